-- SPDX-License-Identifier: Apache-2.0

-- A batch of $4->'requests', of many programs. Losing the last moment in a crash of the database is no harm.
-- name: api_requests_keep
with unhurried as materialized (
	select set_config('synchronous_commit', 'off', true) as is_set
)
insert into api_requests (program_id, actor_id, requested_at, id, partner_id, method, route, status, problem_code,
	duration_ms, address)
select r.program_id, r.actor_id, timestamptz 'epoch' + r.at_us * interval '1 microsecond', r.id, r.partner_id, r.method,
	r.route, r.status, r.problem_code, r.duration_ms, r.address
from unhurried, jsonb_to_recordset($4->'requests') as r(program_id uuid, actor_id uuid, at_us bigint, id uuid,
	partner_id uuid, method text, route text, status int, problem_code text, duration_ms int, address text)
on conflict do nothing
