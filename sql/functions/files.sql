-- SPDX-License-Identifier: Apache-2.0

-- Gives a stored file that nobody uses to what is being made, in the same write: `reader` is the partner that may see it
-- from now on beside the vendor's side, null for none. False: there is no such file, it has no content, or it is used.
create or replace function file_claim(file uuid, object text, owner uuid, reader uuid) returns boolean
language plpgsql volatile as
$$
begin
	update files f set used_by_object = object, used_by_id = owner, partner_id = reader,
		version = f.version + 1, updated_at = program_now()
	where f.program_id = app_program() and f.id = file and f.status = 'stored' and f.used_by_id is null;
	return found;
end $$;

-- The content of a file that waits for it is what this attempt has brought; the chunks of all others go. Each piece is
-- added under a share of the file's row, so that none can follow. 0: not all is there, or somebody was first.
create or replace function file_store(file uuid, upload uuid, expected_version int) returns int language plpgsql volatile as
$$
begin
	update files f set status = 'stored', upload_id = upload, stored_at = program_now(), version = f.version + 1,
		updated_at = program_now()
	where f.program_id = app_program() and f.id = file and f.version = expected_version and f.status = 'pending'
		and f.size_bytes = (select sum(octet_length(c.bytes)) from file_chunks c
			where c.program_id = app_program() and c.file_id = file and c.upload_id = upload);
	if not found then
		return 0;
	end if;
	delete from file_chunks c where c.program_id = app_program() and c.file_id = file and c.upload_id <> upload;
	return 1;
end $$;

-- Deletes what came to nothing: files that got no content within a day, with what was sent of it, and those that nobody
-- claimed within a week. At most `batch`.
create or replace function files_sweep(batch int) returns int language plpgsql volatile as
$$
declare
	swept int;
begin
	with due as (
		select f.id from files f where f.program_id = app_program() and f.used_by_id is null
			and f.recorded_at < now() - case f.status when 'pending' then interval '1 day' else interval '7 days' end
		order by f.recorded_at limit batch for update skip locked
	), gone as (
		delete from files f using due where f.program_id = app_program() and f.id = due.id returning 1
	)
	select count(*) into swept from gone;
	return swept;
end $$;
