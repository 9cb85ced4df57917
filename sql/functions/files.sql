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

-- Deletes what came to nothing: chunks of attempts that failed, files that got no content within a day, and those that
-- nobody claimed within a week. At most `batch` of either.
create or replace function files_sweep(batch int) returns int language plpgsql volatile as
$$
declare
	swept int;
	chunks int;
begin
	with due as (
		select f.id from files f where f.program_id = app_program() and f.used_by_id is null
			and f.recorded_at < now() - case f.status when 'pending' then interval '1 day' else interval '7 days' end
		order by f.recorded_at limit batch for update skip locked
	), gone as (
		delete from files f using due where f.program_id = app_program() and f.id = due.id returning 1
	)
	select count(*) into swept from gone;
	with due as (
		select c.file_id, c.upload_id, c.sequence from file_chunks c
		join files f on f.program_id = c.program_id and f.id = c.file_id
		where c.program_id = app_program() and c.created_at < now() - interval '1 day'
			and f.upload_id is distinct from c.upload_id
		limit batch
	), gone as (
		delete from file_chunks c using due where c.program_id = app_program() and c.file_id = due.file_id
			and c.upload_id = due.upload_id and c.sequence = due.sequence returning 1
	)
	select count(*) into chunks from gone;
	return greatest(swept, chunks);
end $$;
