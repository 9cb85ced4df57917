-- SPDX-License-Identifier: Apache-2.0

-- Takes the second factor from a user, wherever the statement stands that does so: what it is made of is behind the
-- identity door. Challenges that are open end with it.
create or replace function second_factor_remove(program uuid, person uuid) returns boolean language plpgsql as
$$
declare
	door constant text := current_setting('app.door', true);
begin
	perform set_config('app.door', 'identity', true);
	delete from second_factors f where f.program_id = program and f.user_id = person;
	delete from sign_in_challenges c where c.program_id = program and c.user_id = person;
	perform set_config('app.door', coalesce(door, ''), true);
	return true;
end $$;
