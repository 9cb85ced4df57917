-- SPDX-License-Identifier: Apache-2.0
--
-- Machine clients. Tokens are cut by the grant they were given under, so that the client can have another one at once;
-- the whole client is only revoked for good.

-- name: api_client_facts
select program_now() as now, c.grant_id,
	(select count(*) from api_client_secrets s where s.program_id = c.program_id and s.client_id = c.id
		and (s.expires_at is null or s.expires_at > program_now())) as live_secrets
from api_clients c
where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)

-- name: api_client_create
with written as (
	insert into api_clients (program_id, id, partner_id, name, scopes, allowed_networks, expires_at, grant_id,
		created_at, updated_at)
	select $1, $3, ($5->>'partner_id')::uuid, $4->>'name', r.scopes, r.allowed_networks, r.expires_at,
		gen_random_uuid(), n.now, n.now
	from jsonb_populate_record(null::api_clients, $5) r cross join (select program_now() as now) n
	returning program_id, id, partner_id, created_at
), made as (
	insert into api_client_secrets (program_id, id, client_id, partner_id, secret_hash, hint, created_at)
	select w.program_id, ($5->>'secret_id')::uuid, w.id, w.partner_id, ($5->>'secret_hash')::bytea, $5->>'secret_hint',
		w.created_at
	from written w
)
select assert_written(count(*)) from written

-- name: api_client_update
with written as (
	update api_clients c
	set (name, scopes, allowed_networks, expires_at, grant_id)
		= (select r.name, r.scopes, r.allowed_networks, r.expires_at, r.grant_id
			from jsonb_populate_record(c, $5->'set') r),
		version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)
		and c.version = ($5->>'expected_version')::int and c.status = 'active'
	returning c.id
), cut as (
	insert into revocations (principal_id, program_id) select ($5->>'cut_grant_id')::uuid, $1 from written
	where $5 ? 'cut_grant_id'
	on conflict (principal_id) do update set revoked_at = clock_timestamp()
)
select assert_written(count(*)), pg_notify('partnerd', 'revoked') from written

-- Secrets that have ended are gone with the next rotation; with no overlap all others end here, and what was given for
-- them is cut.
-- name: api_client_rotate
with written as (
	update api_clients c
	set grant_id = coalesce(($5->'set'->>'grant_id')::uuid, c.grant_id), version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)
		and c.version = ($5->>'expected_version')::int and c.status = 'active'
	returning c.program_id, c.id, c.partner_id, c.updated_at as now,
		c.updated_at + make_interval(secs => ($5->>'overlap_s')::int) as overlap_until
), gone as (
	delete from api_client_secrets s using written w
	where s.program_id = w.program_id and s.client_id = w.id
		and (w.overlap_until <= w.now or coalesce(s.expires_at <= w.now, false))
), ending as (
	update api_client_secrets s set expires_at = least(s.expires_at, w.overlap_until) from written w
	where s.program_id = w.program_id and s.client_id = w.id and w.overlap_until > w.now
		and coalesce(s.expires_at > w.now, true)
), made as (
	insert into api_client_secrets (program_id, id, client_id, partner_id, secret_hash, hint, created_at)
	select w.program_id, ($5->>'secret_id')::uuid, w.id, w.partner_id, ($5->>'secret_hash')::bytea, $5->>'secret_hint',
		w.now
	from written w
), cut as (
	insert into revocations (principal_id, program_id) select ($5->>'cut_grant_id')::uuid, $1 from written
	where $5 ? 'cut_grant_id'
	on conflict (principal_id) do update set revoked_at = clock_timestamp()
)
select assert_written(count(*)), pg_notify('partnerd', 'revoked') from written

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

-- ---- at the identity door ----

-- The client, and the secret it shows when that is one of its own. left_s: until the first of the two ends, by the time
-- of the program.
-- name: auth_client_find
select c.id, c.program_id, c.partner_id, array_to_string(c.scopes, ' ') as scopes,
	array_to_string(c.allowed_networks, ' ') as networks, c.grant_id, c.status, coalesce(a.status, '') as partner_status,
	s.id as secret_id, least(c.expires_at, s.expires_at) is not null as has_end,
	floor(extract(epoch from least(c.expires_at, s.expires_at) - coalesce(p.test_now, now())))::bigint as left_s,
	c.last_used_at is null or s.last_used_at is null
		or least(c.last_used_at, s.last_used_at) < now() - interval '1 minute' as is_use_due
from api_clients c
join programs p on p.id = c.program_id
left join partners a on a.program_id = c.program_id and a.id = c.partner_id
left join api_client_secrets s on s.program_id = c.program_id and s.client_id = c.id
	and s.secret_hash = ($4->>'secret_hash')::bytea
where c.id = $3

-- Like signing in, no edit of the client.
-- name: auth_client_used
with used as (
	update api_clients set last_used_at = now()
	where program_id = $1 and id = $3 and (last_used_at is null or last_used_at < now() - interval '1 minute')
)
update api_client_secrets set last_used_at = now()
where program_id = $1 and id = ($4->>'secret_id')::uuid
	and (last_used_at is null or last_used_at < now() - interval '1 minute')

-- The right secret from the wrong place: somebody has forgotten a network, or found a secret. Told once a minute.
-- name: auth_client_refused
with noted as (
	update api_clients set last_refused_at = now()
	where program_id = $1 and id = $3 and (last_refused_at is null or last_refused_at < now() - interval '1 minute')
	returning id
)
select audit_append($6, ($4->>'entry_id')::uuid, 'api_client.refused', 'api_client', n.id, null, $2, '{}', '{}')
from noted n

-- ---- what the operator does from the command line, behind the walls of the program ----

-- name: operator_partner
select a.id, a.status from partners a
where a.program_id = $1 and (a.number = $4->>'partner' or a.id::text = lower($4->>'partner'))

-- name: operator_client_list
select s.id, s.name, s.status, s.partner_id, s.scopes, s.last_used_at, s.expires_at, s.allowed_networks
from api_client_shape s
where s._program_id = $1 order by s.created_at, s.id

-- name: operator_client_row
select to_jsonb(s) as before, s.version, s.status, c.grant_id,
	(select count(*) from api_client_secrets t where t.program_id = c.program_id and t.client_id = c.id
		and (t.expires_at is null or t.expires_at > program_now())) as live_secrets
from api_client_shape s join api_clients c on c.program_id = s._program_id and c.id = s.id
where s._program_id = $1 and s.id = $3

-- The same event and audit entry that the API leaves behind.
-- name: operator_client_publish
select publish($6, $5, 'api_client', $7, to_jsonb(s)) from api_client_shape s where s._program_id = $1 and s.id = $3
