-- SPDX-License-Identifier: Apache-2.0

-- The partner that the new user or client belongs to: the caller's own, or the one the vendor names.
-- name: principal_facts
select p.id as partner_id, p.status as partner_status, program_now() as now
from programs g
left join partners p on p.program_id = g.id and p.id = coalesce($2, ($4->>'partner_id')::uuid)
where g.id = $1

-- name: user_create
with written as (
	insert into users (program_id, id, partner_id, email, name, role, password_hash, created_at, updated_at)
	select $1, $3, ($5->>'partner_id')::uuid, lower($4->>'email'), $4->>'name', $4->>'role', $5->>'password_hash',
		program_now(), program_now()
	returning id
)
select assert_written(count(*)) from written

-- name: user_deactivate
with written as (
	update users u set status = 'disabled', version = u.version + 1, updated_at = program_now()
	where u.program_id = $1 and u.id = $3 and ($2 is null or u.partner_id = $2)
		and u.version = ($5->>'expected_version')::int and u.status = 'active'
	returning u.id
), ended as (
	insert into revocations (principal_id, program_id) select w.id, $1 from written w
	on conflict (principal_id) do update set revoked_at = clock_timestamp()
)
select assert_written(count(*)), pg_notify('partnerd', 'revoked') from written

-- name: api_client_create
with written as (
	insert into api_clients (program_id, id, partner_id, name, scopes, secret_hash, created_at, updated_at)
	select $1, $3, ($5->>'partner_id')::uuid, $4->>'name',
		array(select jsonb_array_elements_text($5->'scopes')), ($5->>'secret_hash')::bytea, program_now(), program_now()
	returning id
)
select assert_written(count(*)) from written

-- name: api_client_revoke
with written as (
	update api_clients c set status = 'revoked', version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)
		and c.version = ($5->>'expected_version')::int and c.status = 'active'
	returning c.id
), ended as (
	insert into revocations (principal_id, program_id) select w.id, $1 from written w
	on conflict (principal_id) do update set revoked_at = clock_timestamp()
)
select assert_written(count(*)), pg_notify('partnerd', 'revoked') from written
