-- SPDX-License-Identifier: Apache-2.0

-- Counts a file that is declared, unless it is more than the side may keep. Declarations of one side wait here for each
-- other. False: there is no room.
create or replace function file_charge(side uuid, size bigint, quota bigint) returns boolean language plpgsql volatile as
$$
begin
	insert into file_usage (program_id, side_id, bytes) select app_program(), side, size where size <= quota
	on conflict on constraint file_usage_pkey do update set bytes = file_usage.bytes + excluded.bytes
	where file_usage.bytes + excluded.bytes <= quota;
	return found;
end $$;

-- Whoever deletes files, and why.
create or replace function files_discharge() returns trigger language plpgsql as
$$
begin
	update file_usage u set bytes = u.bytes - g.bytes
	from (select f.program_id, f.side_id, sum(f.size_bytes) as bytes from gone f group by 1, 2) g
	where u.program_id = g.program_id and u.side_id = g.side_id;
	return null;
end $$;

create or replace trigger files_discharge after delete on files referencing old table as gone
for each statement execute function files_discharge();

-- What the files of a partner count goes to the one it becomes part of.
create or replace function file_usage_move(duplicate uuid, target uuid) returns boolean language plpgsql volatile as
$$
begin
	with moved as (
		delete from file_usage u where u.program_id = app_program() and u.side_id = duplicate returning u.bytes
	)
	insert into file_usage (program_id, side_id, bytes) select app_program(), target, m.bytes from moved m
	on conflict on constraint file_usage_pkey do update set bytes = file_usage.bytes + excluded.bytes;
	update files f set side_id = target where f.program_id = app_program() and f.side_id = duplicate;
	return true;
end $$;
