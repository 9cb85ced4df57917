-- SPDX-License-Identifier: Apache-2.0
--
-- Ending sessions. A session lives while its row says so: every use of it locks the row first, so that what ends it and
-- what renews it come one after the other. Instances refuse the access tokens of an ended session by its id in
-- revocations; the user's next session is not touched by that, however soon it begins.

-- Ends the sessions of the list that are still open. Gives back which.
create or replace function sessions_close(program uuid, ids uuid[], reason text) returns uuid[] language plpgsql as
$$
declare
	ended uuid[];
begin
	with open as (
		select s.id from sessions s
		where s.program_id = program and s.id = any (ids) and s.ended_at is null
		order by s.id for update
	), closed as (
		update sessions s set ended_at = clock_timestamp(), end_reason = reason
		from open o where s.program_id = program and s.id = o.id
		returning s.id
	)
	select coalesce(array_agg(c.id), '{}') into ended from closed c;
	insert into revocations (principal_id, program_id) select e.id, program from unnest(ended) e(id)
	on conflict (principal_id) do update set revoked_at = clock_timestamp();
	if cardinality(ended) > 0 then
		perform pg_notify('partnerd', 'revoked');
	end if;
	return ended;
end $$;

-- All sessions of a person but one (null: all). Within the statement of whatever is the reason.
create or replace function sessions_end_others(program uuid, person uuid, kept uuid) returns boolean language plpgsql as
$$
begin
	perform sessions_close(program, array(select s.id from sessions s
		where s.program_id = program and s.user_id = person and s.ended_at is null and s.id is distinct from kept),
		'cut_off');
	return true;
end $$;

-- Signs a user out everywhere: no refresh token of the user is good any more, instances refuse the access tokens that
-- were issued until now, and look again at whom the tokens of identity providers stand for.
create or replace function sessions_end(program uuid, person uuid) returns boolean language plpgsql as
$$
begin
	insert into revocations (principal_id, program_id) values (external_grant(person), program)
	on conflict (principal_id) do update set revoked_at = clock_timestamp();
	perform pg_notify('partnerd', 'revoked');
	return sessions_end_others(program, person, null);
end $$;
