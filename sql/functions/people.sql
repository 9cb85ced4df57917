-- SPDX-License-Identifier: Apache-2.0
--
-- What several writes about people share.

-- Has the present program an active admin besides this person? Whoever asks is about to take one away, so it is asked by
-- one at a time, and volatile: after the wait it sees what was committed meanwhile.
create or replace function admin_remains(without uuid) returns boolean language plpgsql volatile as
$$
begin
	perform pg_advisory_xact_lock(hashtextextended('partnerd.admins ' || app_program()::text, 0));
	return exists (select from users u where u.program_id = app_program() and u.role = 'admin' and u.status = 'active'
		and u.id <> without);
end $$;

-- Nothing that was mailed to the person, or still is to be, lets anybody choose a password any more.
create or replace function tokens_cancel(program uuid, person uuid) returns boolean language plpgsql as
$$
declare
	side constant text := current_setting('app.partner', true);
begin
	perform set_config('app.partner', '*', true);
	delete from user_tokens t where t.program_id = program and t.user_id = person;
	update mails m set status = 'cancelled', sealed = null, version = m.version + 1, updated_at = now()
	where m.program_id = program and m.user_id = person and m.status = 'queued';
	perform set_config('app.partner', coalesce(side, ''), true);
	return true;
end $$;

-- What stands in the table of revocations for the access tokens that a person was given in a role.
create or replace function role_grant(person uuid, role text) returns uuid language sql immutable parallel safe as
$$ select md5('partnerd role ' || person::text || ' ' || role)::uuid $$;

-- The access tokens of this role are refused from now on, those of identity providers looked at again; sessions go on,
-- and their next token has the present role. Not by the person's own id: that would refuse the next token, too, for as
-- long as clocks may differ.
create or replace function role_cut(program uuid, person uuid, role_before text) returns boolean language plpgsql as
$$
begin
	insert into revocations (principal_id, program_id)
	values (role_grant(person, role_before), program), (external_grant(person), program)
	on conflict (principal_id) do update set revoked_at = clock_timestamp();
	perform pg_notify('partnerd', 'revoked');
	return true;
end $$;

-- Every access token the person holds is refused from now on.
create or replace function access_cut(program uuid, person uuid) returns boolean language plpgsql as
$$
begin
	insert into revocations (principal_id, program_id) values (person, program)
	on conflict (principal_id) do update set revoked_at = clock_timestamp();
	perform pg_notify('partnerd', 'revoked');
	return true;
end $$;
