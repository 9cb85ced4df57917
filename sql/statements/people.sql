-- SPDX-License-Identifier: Apache-2.0

-- The partner that the new user or client belongs to: the caller's own, or the one the vendor names.
-- name: principal_facts
select p.id as partner_id, p.status as partner_status, g.name as program_name, program_now() as now
from programs g
left join partners p on p.program_id = g.id and p.id = coalesce($2, ($4->>'partner_id')::uuid)
where g.id = $1

-- name: user_create
with written as (
	insert into users (program_id, id, partner_id, email, name, role, status, is_accepted, created_at, updated_at)
	select $1, $3, ($5->>'partner_id')::uuid, lower($4->>'email'), $4->>'name', $4->>'role', 'invited', false,
		program_now(), program_now()
	returning program_id, id, partner_id
), invited as (
	insert into user_tokens (program_id, user_id, kind, partner_id, token_hash, expires_at)
	select w.program_id, w.id, 'invitation', w.partner_id, ($5->>'token_hash')::bytea,
		now() + make_interval(secs => ($5->>'life_s')::int)
	from written w
)
select assert_written(count(*)), bool_and(mail_queue($6, $5->'mail', w.program_id, w.id)) from written w

-- What the rules about one person need.
-- name: user_facts
select u.partner_id, u.is_accepted, u.second_factor_at is not null as has_second_factor, g.name as program_name, g.slug,
	exists (select from users o where o.program_id = $1 and o.role = 'admin' and o.status = 'active' and o.id <> $3)
		as has_another_admin
from users u
join programs g on g.id = u.program_id
where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)

-- The token before is good no more.
-- name: user_reinvite
with written as (
	update users u set version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status = 'invited'
	returning u.program_id, u.id, u.partner_id
), invited as (
	insert into user_tokens (program_id, user_id, kind, partner_id, token_hash, expires_at)
	select w.program_id, w.id, 'invitation', w.partner_id, ($5->>'token_hash')::bytea,
		now() + make_interval(secs => ($5->>'life_s')::int)
	from written w
	on conflict on constraint user_tokens_pkey do update
	set token_hash = excluded.token_hash, created_at = now(), expires_at = excluded.expires_at
)
select assert_written(count(*)), bool_and(mail_queue($6, $5->'mail', w.program_id, w.id)) from written w

-- name: user_deactivate
with written as (
	update users u set status = 'disabled', version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status in ('invited', 'active')
		and case when u.role = 'admin' and u.status = 'active' then admin_remains(u.id) else true end
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(sessions_end(w.program_id, w.id)), bool_and(tokens_cancel(w.program_id, w.id))
from written w

-- Who had not accepted yet is invited again, and needs a new token.
-- name: user_reactivate
with written as (
	update users u set status = case when u.is_accepted then 'active' else 'invited' end, version = u.version + 1,
		updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status = 'disabled'
	returning u.id
)
select assert_written(count(*)) from written

-- name: user_change_role
with written as (
	update users u set role = $4->>'role', version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status in ('invited', 'active', 'disabled')
		and case when u.role = 'admin' and u.status = 'active' and $4->>'role' <> 'admin' then admin_remains(u.id)
			else true end
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(role_cut(w.program_id, w.id, $7->>'role')) from written w

-- name: user_change
with written as (
	update users u set name = (select r.name from jsonb_populate_record(u, $5->'set') r), version = u.version + 1,
		updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status <> 'erased'
	returning u.id
)
select assert_written(count(*)) from written

-- What is left is the id, the role and the partner, and that there was somebody.
-- name: user_erase
with person as (
	select u.program_id, u.id, u.partner_id, u.email from users u
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
), written as (
	update users u set status = 'erased', email = erased_email(u.id), name = erased_name(), password_hash = null,
		last_signed_in_at = null, second_factor_at = null, version = u.version + 1, updated_at = program_now()
	from person p
	where u.program_id = p.program_id and u.id = p.id
		and u.version = ($5->>'expected_version')::int and u.status <> 'erased'
		and case when u.role = 'admin' and u.status = 'active' then admin_remains(u.id) else true end
	returning u.program_id, u.id, u.partner_id, p.email
)
select assert_written(count(*)),
	bool_and(person_erase($6, ($5->>'erasure_id')::uuid, w.program_id, w.id, w.partner_id, w.email))
from written w

-- ---- with a token instead of a password: nobody is signed in yet ----

-- The person a token speaks for. Judged by the database's clock.
-- name: token_find
select t.program_id, t.user_id, t.kind, u.status, coalesce(a.status, '') as partner_status, u.email, u.name,
	g.slug, g.name as program_name, to_jsonb(s) as before
from user_tokens t
join users u on u.program_id = t.program_id and u.id = t.user_id
join programs g on g.id = t.program_id
join user_shape s on s._program_id = t.program_id and s.id = t.user_id
left join partners a on a.program_id = u.program_id and a.id = u.partner_id
where t.token_hash = ($4->>'token_hash')::bytea and t.kind = $4->>'kind' and t.expires_at > now()

-- name: invitation_accept
with spent as (
	delete from user_tokens t
	where t.program_id = $1 and t.user_id = $3 and t.kind = 'invitation' and t.token_hash = ($5->>'token_hash')::bytea
		and t.expires_at > now()
	returning t.program_id, t.user_id
), written as (
	update users u
	set status = 'active', is_accepted = true, password_hash = $5->>'password_hash', name = coalesce($4->>'name', u.name),
		version = u.version + 1, updated_at = program_now()
	from spent s
	where u.program_id = s.program_id and u.id = s.user_id and u.status = 'invited'
	returning u.id
)
select assert_written(count(*)), bool_and(tokens_cancel($1, w.id)) from written w

-- Whoever had the password before is out.
-- name: password_reset
with spent as (
	delete from user_tokens t
	where t.program_id = $1 and t.user_id = $3 and t.kind = 'password_reset' and t.token_hash = ($5->>'token_hash')::bytea
		and t.expires_at > now()
	returning t.program_id, t.user_id
), written as (
	update users u set password_hash = $5->>'password_hash', version = u.version + 1, updated_at = program_now()
	from spent s
	where u.program_id = s.program_id and u.id = s.user_id and u.status = 'active'
	returning u.id
)
select assert_written(count(*)), bool_and(tokens_cancel($1, w.id)), bool_and(sessions_end($1, w.id)) from written w

-- The person who is signed in.
-- name: person_self
select u.program_id, u.id as user_id, u.email, u.password_hash, g.slug, g.name as program_name, to_jsonb(s) as before
from users u
join programs g on g.id = u.program_id
join user_shape s on s._program_id = u.program_id and s.id = u.id
where u.program_id = $1 and u.id = $3 and u.status = 'active'

-- Re-asserts the password that the caller knew. This session goes on, the others end, and so does what was mailed.
-- name: password_change
with written as (
	update users u set password_hash = $5->>'password_hash', version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and u.status = 'active'
		and u.version = ($7->>'version')::int
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(tokens_cancel(w.program_id, w.id)),
	bool_and(sessions_end_others(w.program_id, w.id, ($5->>'kept')::uuid))
from written w

-- What a person did without a session, or with their password, published like
-- a command.
-- name: person_publish
select publish($6, $5, 'user', $7, to_jsonb(s)) from user_shape s where s._program_id = $1 and s.id = $3
