-- SPDX-License-Identifier: Apache-2.0
--
-- Cuts a user off, from now on and everywhere: no refresh token of the user is good any more, and instances refuse the
-- access tokens that were issued until now. Called within the statement of whatever is the reason,
-- wherever that stands: refresh tokens are behind the identity door.
create or replace function sessions_end(program uuid, person uuid) returns boolean language plpgsql
	set app.door = 'identity' as
$$
begin
	update refresh_tokens set revoked_at = clock_timestamp()
	where program_id = program and user_id = person and revoked_at is null;
	insert into revocations (principal_id, program_id) values (person, program)
	on conflict (principal_id) do update set revoked_at = clock_timestamp();
	perform pg_notify('partnerd', 'revoked');
	return true;
end $$;
