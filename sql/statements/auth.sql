-- SPDX-License-Identifier: Apache-2.0
--
-- Signing in, refreshing, signing out. All but auth_me run at the identity door, where the tenant is not known yet; what
-- they may touch there is written in the policies of 0001_foundation.sql. Parameters as everywhere: $1 program,
-- $2 partner, $3 id, $4 body, $6 request. Hashes travel as hexadecimal text.

-- The users of an e-mail address: one, or none, or too many to tell which program is meant.
-- name: auth_user_by_email
select u.id, u.program_id, u.partner_id, u.role, u.password_hash, u.status, coalesce(a.status, '') as partner_status,
	count(*) over () as matches
from users u
join programs p on p.id = u.program_id
left join partners a on a.program_id = u.program_id and a.id = u.partner_id
where u.email = lower($4->>'email') and ($4->>'program' is null or p.slug = $4->>'program')
limit 2

-- Re-asserts what the password was checked against. Signing in is no edit of the user: version and updated_at stay.
-- name: auth_session_start
with person as (
	update users set last_signed_in_at = now(), password_hash = coalesce($4->>'new_password_hash', password_hash)
	where program_id = $1 and id = $3 and status = 'active' and password_hash = $4->>'password_hash'
	returning program_id, id
), written as (
	insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at)
	select decode($4->>'token_hash', 'hex'), program_id, id, ($4->>'family_id')::uuid,
		now() + make_interval(secs => ($4->>'life_s')::int)
	from person
	returning 1
)
select assert_written(count(*)) from written

-- name: auth_audit
select audit_append($6, ($4->>'entry_id')::uuid, $4->>'action', 'session', ($4->>'family_id')::uuid, null, $2,
	'{}', '{}')

-- A refused sign-in of a user that does not exist has nobody to be noted for, but must take as long as one that is
-- noted: it makes the commit write, and wait for, a record of the log.
-- name: auth_refusal_unknown
select pg_logical_emit_message(true, 'partnerd', 'sign-in refused')

-- A refresh token, its user, and whether the token that follows it is still unused. Judged by the database's clock.
-- name: auth_refresh_find
select t.user_id, t.program_id, t.family_id, u.partner_id, u.role, u.status, coalesce(a.status, '') as partner_status,
	t.used_at is not null as is_used, t.revoked_at is not null as is_revoked,
	t.expires_at > now() and t.issued_at + make_interval(secs => ($4->>'idle_s')::int) > now() as is_alive,
	coalesce(t.used_at + make_interval(secs => ($4->>'grace_s')::int) > now(), false) as is_in_grace,
	coalesce(s.used_at is null and s.revoked_at is null and s.family_id = t.family_id, false) as has_unused_successor,
	extract(epoch from t.expires_at - now())::bigint as left_s
from refresh_tokens t
join users u on u.program_id = t.program_id and u.id = t.user_id
left join partners a on a.program_id = u.program_id and a.id = u.partner_id
left join refresh_tokens s on s.token_hash = decode($4->>'successor_hash', 'hex')
where t.token_hash = decode($4->>'token_hash', 'hex')

-- One at a time in a family: a rotation must not add a token that a revocation running beside it cannot see.
-- name: auth_family_lock
select pg_advisory_xact_lock(hashtextextended('partnerd.session ' || $3::text, 0))

-- name: auth_refresh_rotate
with spent as (
	update refresh_tokens set used_at = now()
	where token_hash = decode($4->>'token_hash', 'hex') and used_at is null and revoked_at is null and expires_at > now()
	returning program_id, user_id, family_id, expires_at
), written as (
	insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at)
	select decode($4->>'successor_hash', 'hex'), program_id, user_id, family_id, expires_at from spent
	returning 1
)
select assert_written(count(*)) from written

-- name: auth_family_revoke
with ended as (
	update refresh_tokens set revoked_at = now() where family_id = $3 and revoked_at is null
), noted as (
	insert into revocations (principal_id, program_id) values ($3, $1)
	on conflict (principal_id) do update set revoked_at = excluded.revoked_at
)
select pg_notify('partnerd', 'revoked')

-- name: auth_client_find
select c.id, c.program_id, c.partner_id, array_to_string(c.scopes, ' ') as scopes,
	encode(c.secret_hash, 'hex') as secret_hash, c.status, coalesce(a.status, '') as partner_status,
	c.last_used_at is null or c.last_used_at < now() - interval '1 minute' as is_use_due
from api_clients c
left join partners a on a.program_id = c.program_id and a.id = c.partner_id
where c.id = $3

-- Like signing in, no edit of the client.
-- name: auth_client_used
update api_clients set last_used_at = now()
where program_id = $1 and id = $3 and (last_used_at is null or last_used_at < now() - interval '1 minute')

-- Who the token speaks for, behind the walls of its tenant.
-- name: auth_me
select coalesce(u.name, c.name) as name, u.email, u.role, p.id as program_id, p.slug, p.name as program_name,
	p.environment, p.zone, p.currency, a.id as partner_id, a.name as partner_name, a.status as partner_status,
	t.name as tier_name
from programs p
left join users u on u.program_id = p.id and u.id = $3
left join api_clients c on c.program_id = p.id and c.id = $3
left join partners a on a.program_id = p.id and a.id = $2
left join tiers t on t.program_id = p.id and t.id = a.tier_id
where p.id = $1 and coalesce(u.id, c.id) is not null

-- ---- what the operator does with machine clients from the command line, behind the walls of the program ----

-- name: operator_partner
select a.id, a.status from partners a
where a.program_id = $1 and (a.number = $4->>'partner' or a.id::text = lower($4->>'partner'))

-- name: operator_client_list
select s.id, s.name, s.status, s.partner_id, s.scopes, s.last_used_at from api_client_shape s
where s._program_id = $1 order by s.created_at, s.id

-- name: operator_client_row
select to_jsonb(s) as before, s.version, s.status from api_client_shape s where s._program_id = $1 and s.id = $3

-- The same event and audit entry that the API leaves behind.
-- name: operator_client_publish
select publish($6, $5, 'api_client', $7, to_jsonb(s)) from api_client_shape s where s._program_id = $1 and s.id = $3
