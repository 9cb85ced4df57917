-- SPDX-License-Identifier: Apache-2.0
--
-- The second factor of people, at the identity door: $1 program, $3 user, $4 body. Hashes travel as hexadecimal text.

-- A password that was right becomes a challenge, which re-asserts what it was checked against.
-- name: auth_challenge
with person as (
	update users set password_hash = coalesce($4->>'new_password_hash', password_hash)
	where program_id = $1 and id = $3 and status = 'active' and password_hash = $4->>'password_hash'
	returning program_id, id, password_hash
), written as (
	insert into sign_in_challenges (program_id, token_hash, user_id, password_digest, expires_at)
	select program_id, decode($4->>'token_hash', 'hex'), id, sha256(convert_to(password_hash, 'UTF8')),
		now() + make_interval(secs => ($4->>'life_s')::int)
	from person
	returning 1
)
select assert_written(count(*)) from written

-- Who a challenge is about, in the words of auth_user_by_email.
-- name: auth_challenge_find
select u.id, u.program_id, u.partner_id, u.role, u.password_hash, u.status, coalesce(a.status, '') as partner_status,
	false as must_enrol, role_grant(u.id, u.role) as grant_id, true as has_second_factor, u.email, f.seed, f.last_step
from sign_in_challenges c
join users u on u.program_id = c.program_id and u.id = c.user_id
join second_factors f on f.program_id = u.program_id and f.user_id = u.id and f.confirmed_at is not null
left join partners a on a.program_id = u.program_id and a.id = u.partner_id
where c.token_hash = decode($4->>'token_hash', 'hex') and c.expires_at > now()
	and c.password_digest = sha256(convert_to(u.password_hash, 'UTF8'))

-- Once.
-- name: auth_challenge_spend
with spent as (
	delete from sign_in_challenges
	where program_id = $1 and user_id = $3 and token_hash = decode($4->>'challenge_hash', 'hex') and expires_at > now()
	returning 1
)
select assert_written(count(*)) from spent

-- name: second_factor_find
select u.id, u.email, u.password_hash, u.second_factor_at is not null as has_second_factor, g.name as program_name, f.seed, f.last_step
from users u
join programs g on g.id = u.program_id
left join second_factors f on f.program_id = u.program_id and f.user_id = u.id
where u.program_id = $1 and u.id = $3

-- A new seed takes the place of one that was never confirmed.
-- name: second_factor_start
with written as (
	insert into second_factors (program_id, user_id, seed)
	select u.program_id, u.id, $4->>'seed' from users u
	where u.program_id = $1 and u.id = $3 and u.status = 'active' and u.second_factor_at is null
	on conflict (program_id, user_id) do update
	set seed = excluded.seed, last_step = 0, created_at = now()
	where second_factors.confirmed_at is null
	returning 1
)
select assert_written(count(*)) from written

-- Re-asserts the seed that the code was right for. This session goes on, the others end: they began without a second
-- factor, and whoever has one of them must not be taken for somebody who proved it.
-- name: second_factor_confirm
with confirmed as (
	update second_factors set confirmed_at = now(), last_step = ($4->>'step')::bigint
	where program_id = $1 and user_id = $3 and confirmed_at is null and seed = $4->>'seed'
	returning program_id, user_id
), written as (
	update users u set second_factor_at = now(), version = u.version + 1, updated_at = program_now()
	from confirmed c
	where u.program_id = c.program_id and u.id = c.user_id and u.second_factor_at is null
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(sessions_end_others(w.program_id, w.id, ($4->>'kept')::uuid)) from written w

-- A step of time is good once: who comes second with its code comes too late.
-- name: second_factor_step
with written as (
	update second_factors set last_step = ($4->>'step')::bigint
	where program_id = $1 and user_id = $3 and confirmed_at is not null and last_step < ($4->>'step')::bigint
		and seed = $4->>'seed'
	returning 1
)
select assert_written(count(*)) from written

-- name: second_factor_recover
with written as (
	update recovery_codes set used_at = now()
	where program_id = $1 and user_id = $3 and code_hash = decode($4->>'code_hash', 'hex') and used_at is null
	returning 1
)
select assert_written(count(*)) from written

-- The codes before are good no more.
-- name: recovery_codes_forget
delete from recovery_codes where program_id = $1 and user_id = $3

-- name: recovery_codes_add
insert into recovery_codes (program_id, user_id, code_hash)
select $1, $3, decode(h, 'hex') from jsonb_array_elements_text($4->'code_hashes') h

-- name: second_factor_disable
with written as (
	update users u set second_factor_at = null, version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and u.second_factor_at is not null
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(second_factor_remove(w.program_id, w.id)) from written w

-- name: second_factor_audit
select audit_append($6, ($4->>'entry_id')::uuid, $4->>'action', 'user', $3, u.version, u.partner_id, '{}', '{}')
from users u where u.program_id = $1 and u.id = $3

-- By an administrator, behind the walls of the tenant.
-- name: user_reset_second_factor
with written as (
	update users u set second_factor_at = null, version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.second_factor_at is not null
	returning u.program_id, u.id
)
select assert_written(count(*)), bool_and(second_factor_remove(w.program_id, w.id)),
	bool_and(sessions_end(w.program_id, w.id))
from written w
