-- SPDX-License-Identifier: Apache-2.0
--
-- Signing in, refreshing, signing out. All but auth_me run at the identity door, where the tenant is not known yet; what
-- they may touch there is written in the policies of 0001_foundation.sql. Parameters as everywhere: $1 program,
-- $2 partner, $3 id, $4 body, $6 request. Hashes travel as hexadecimal text.

-- ---- attempts (sql/functions/sign_in_attempts.sql); $4 email, address, plan ----

-- name: auth_attempt
select sign_in_attempt($4->>'email', $4->>'address', $4->'plan') as wait_s

-- name: auth_attempt_back
select sign_in_attempt_back($4->>'email', $4->>'address', $4->'plan', ($4->>'is_success')::boolean)

-- The users of an e-mail address: one, or none, or too many to tell which program is meant.
-- name: auth_user_by_email
select u.id, u.program_id, u.partner_id, u.role, u.password_hash, u.status, coalesce(a.status, '') as partner_status,
	u.second_factor_at is not null as has_second_factor,
	u.second_factor_at is null and u.role = any (p.second_factor_roles) as must_enrol, role_grant(u.id, u.role) as grant_id,
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
	returning program_id, partner_id, id
), session as (
	insert into sessions (program_id, id, partner_id, user_id, profile, user_agent, address, last_address, expires_at,
		idle_expires_at)
	select program_id, ($4->>'session_id')::uuid, partner_id, id, $4->>'profile', $4->>'user_agent', $4->>'address',
		$4->>'address', now() + make_interval(secs => ($4->>'life_s')::int),
		now() + make_interval(secs => ($4->>'idle_s')::int)
	from person
	returning program_id, id, user_id, expires_at
), written as (
	insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at)
	select decode($4->>'token_hash', 'hex'), program_id, user_id, id, expires_at from session
	returning 1
)
select assert_written(count(*)) from written

-- name: auth_audit
select audit_append($6, ($4->>'entry_id')::uuid, $4->>'action', 'session', ($4->>'session_id')::uuid, null, $2,
	'{}', '{}')

-- A refused sign-in of a user that does not exist has nobody to be noted for, but must take as long as one that is
-- noted: it makes the commit write, and wait for, a record of the log.
-- name: auth_refusal_unknown
select pg_logical_emit_message(true, 'partnerd', 'sign-in refused')

-- A refresh token, its session and user, and whether the token that follows it is still unused. Judged by the
-- database's clock.
-- name: auth_refresh_find
select t.user_id, t.program_id, t.family_id, u.partner_id, u.role, u.status, coalesce(a.status, '') as partner_status,
	u.second_factor_at is null and u.role = any (p.second_factor_roles) as must_enrol, role_grant(u.id, u.role) as grant_id,
	t.used_at is not null as is_used, s.ended_at is not null as is_ended, s.profile,
	t.expires_at > now() and t.issued_at + make_interval(secs => ($4->>'idle_s')::int) > now() as is_alive,
	coalesce(t.used_at + make_interval(secs => ($4->>'grace_s')::int) > now(), false) as is_in_grace,
	coalesce(n.used_at is null and n.family_id = t.family_id, false) as has_unused_successor,
	extract(epoch from t.expires_at - now())::bigint as left_s
from refresh_tokens t
join sessions s on s.program_id = t.program_id and s.id = t.family_id
join users u on u.program_id = t.program_id and u.id = t.user_id
join programs p on p.id = t.program_id
left join partners a on a.program_id = u.program_id and a.id = u.partner_id
left join refresh_tokens n on n.token_hash = decode($4->>'successor_hash', 'hex')
where t.token_hash = decode($4->>'token_hash', 'hex')

-- The row of the session comes first, and is locked by it: a rotation must not add a token to a session that ends beside
-- it.
-- name: auth_refresh_rotate
with session as (
	update sessions set last_used_at = now(), last_address = $4->>'address',
		idle_expires_at = now() + make_interval(secs => ($4->>'idle_s')::int)
	where program_id = $1 and id = $3 and ended_at is null
	returning program_id, id
), spent as (
	update refresh_tokens t set used_at = now()
	from session s
	where t.program_id = s.program_id and t.family_id = s.id and t.token_hash = decode($4->>'token_hash', 'hex')
		and t.used_at is null and t.expires_at > now()
	returning t.program_id, t.user_id, t.family_id, t.expires_at
), written as (
	insert into refresh_tokens (token_hash, program_id, user_id, family_id, expires_at)
	select decode($4->>'successor_hash', 'hex'), program_id, user_id, family_id, expires_at from spent
	returning 1
)
select assert_written(count(*)) from written

-- The session $3, whoever asks; one that has ended stays as it is.
-- name: auth_session_end
select sessions_close($1, array[$3], $4->>'reason') as ended

-- One live session of the person that asks.
-- name: session_end_own
select assert_written(coalesce(sum(cardinality(sessions_close($1, array[s.id], 'ended'))), 0)::bigint)
from session_shape s
where s._program_id = $1 and s._user_id = ($4->>'user_id')::uuid and s.id = $3

-- All of them, but for the one to be kept.
-- name: session_end_all
select array_to_string(sessions_close($1, array(select s.id from sessions s
	where s.program_id = $1 and s.user_id = ($4->>'user_id')::uuid and s.ended_at is null
		and s.id is distinct from ($4->>'kept')::uuid), 'ended'), ' ') as ended

-- One access token, by its jti. Noted where its owner's acts are noted.
-- name: auth_token_revoke
with noted as (
	insert into revocations (principal_id, program_id) values ($3, $1)
	on conflict (principal_id) do nothing
)
select pg_notify('partnerd', 'revoked'), audit_append($6, ($4->>'entry_id')::uuid, 'token.revoked',
	$4->>'resource_type', ($4->>'resource_id')::uuid, null, $2, '{}', '{}')

-- Who the token speaks for, behind the walls of its tenant.
-- name: auth_me
select coalesce(u.name, c.name) as name, coalesce(u.version, c.version) as version, u.email, u.role, p.id as program_id, p.slug, p.name as program_name,
	p.environment, p.zone, p.currency, a.id as partner_id, a.name as partner_name, a.status as partner_status,
	t.name as tier_name, case when u.id is not null then u.second_factor_at is not null end as has_second_factor
from programs p
left join users u on u.program_id = p.id and u.id = $3
left join api_clients c on c.program_id = p.id and c.id = $3
left join partners a on a.program_id = p.id and a.id = $2
left join tiers t on t.program_id = p.id and t.id = a.tier_id
where p.id = $1 and coalesce(u.id, c.id) is not null
