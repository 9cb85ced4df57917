-- SPDX-License-Identifier: Apache-2.0
--
-- What the statements about regions and territories share.

-- Writes to the tree of a program and to what is assigned in it come one after the other. The constraints would keep the
-- order by themselves; they would do so by deadlocks.
create or replace function territories_lock() returns boolean language plpgsql volatile as
$$
begin
	perform pg_advisory_xact_lock(hashtextextended('partnerd.territories ' || app_program()::text, 0));
	return true;
end $$;

-- A region can be retired: nothing lies below it and nobody has it, now or later. Volatile on purpose: called at the end
-- of a write that holds the lock, it sees what was committed while the write waited for it.
create or replace function region_is_unused(region uuid) returns boolean language plpgsql volatile as
$$
begin
	return not exists (select from regions r where r.program_id = app_program() and r.parent_id = region
			and r.status = 'active')
		and not exists (select from territory_assignments a where a.program_id = app_program() and a.region_id = region
			and (a.valid_to is null or a.valid_to > greatest(program_now(), a.valid_from)));
end $$;

-- The keys of the regions that a country lies in, from the root down; empty when no region has it.
create or replace function country_regions(program uuid, place text) returns text[] language plpgsql stable parallel safe as
$$
begin
	return coalesce((select string_to_array(rtrim(r.path, '/'), '/') from region_countries c
		join regions r on r.program_id = c.program_id and r.id = c.region_id
		where c.program_id = program and c.country = place), '{}');
end $$;

-- Ends what a partner has or was to have, and says so of each. Needs no lock of the tree: a period that becomes shorter
-- comes into nobody's way. Called by the write that terminates the partner and holds its row.
create or replace function territories_end(request jsonb, partner uuid, reason text) returns int language plpgsql volatile as
$$
declare
	due record;
	before jsonb;
	ended int := 0;
begin
	for due in select a.id from territory_assignments a
		where a.program_id = app_program() and a.partner_id = partner
			and (a.valid_to is null or a.valid_to > greatest(program_now(), a.valid_from))
		order by a.id for update
	loop
		select to_jsonb(s) into before from territory_assignment_shape s where s._program_id = app_program() and s.id = due.id;
		update territory_assignments a set valid_to = greatest(program_now(), a.valid_from), end_reason = reason,
			version = a.version + 1, updated_at = program_now()
		where a.program_id = app_program() and a.id = due.id;
		perform publish(request - 'key', jsonb_build_object('event_id', gen_random_uuid(),
			'event', 'territory_assignment.ended'), 'territory_assignment', before, to_jsonb(s))
		from territory_assignment_shape s where s._program_id = app_program() and s.id = due.id;
		ended := ended + 1;
	end loop;
	return ended;
end $$;
