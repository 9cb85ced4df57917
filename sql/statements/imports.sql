-- SPDX-License-Identifier: Apache-2.0
--
-- $1 program, $2 partner (null: the vendor asks), $3 id, $4 body, $5 decision, $6 request, $7 row before.

-- name: import_create_facts
select f.id as file_id, f.status as file_status, f.media_type, f.used_by_id
from programs g
left join files f on f.program_id = g.id and f.id = ($4->>'file_id')::uuid and ($2 is null or f.partner_id = $2)
where g.id = $1

-- name: import_create
with file as (
	select f.id, f.size_bytes, f.partner_id from files f
	where f.program_id = $1 and f.id = ($4->>'file_id')::uuid
		and file_claim(f.id, 'import', $3, f.partner_id)
), written as (
	insert into imports (program_id, id, partner_id, file_id, format, external_source, skips_unknown_columns, size_bytes,
		created_by_id, created_at, updated_at)
	select $1, $3, f.partner_id, f.id, $5->>'format', $4->>'external_source',
		coalesce(($4->>'skips_unknown_columns')::boolean, false), f.size_bytes, ($6->>'actor_id')::uuid, n.now, n.now
	from file f
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: import_facts
select i.status, i.rows_invalid, i.rows_valid from imports i
where i.program_id = $1 and i.id = $3 and ($2 is null or i.partner_id = $2)

-- Whoever asks for the step is who the rows are tried or registered for.
-- name: import_change
with written as (
	update imports i set status = $5->>'status', version = i.version + 1, updated_at = n.now, lease_until = null,
		actor_type = case when $5->>'status' = 'cancelled' then i.actor_type else $6->>'actor_type' end,
		actor_id = case when $5->>'status' = 'cancelled' then i.actor_id else ($6->>'actor_id')::uuid end,
		started_at = case $5->>'status' when 'running' then n.now else i.started_at end,
		finished_at = case $5->>'status' when 'cancelled' then n.now end
	from (select program_now() as now) n
	where i.program_id = $1 and i.id = $3 and ($2 is null or i.partner_id = $2)
		and i.version = ($5->>'expected_version')::int
	returning i.id
), forgotten as (
	delete from import_row_keys k using written w
	where $5->>'status' = 'cancelled' and k.program_id = $1 and k.import_id = w.id
)
select assert_written(count(*)) from written

-- The next import that has something to do, taken for five seconds, and who it is done for.
-- name: job_import_take
with due as (
	select i.id from imports i
	where i.program_id = $1 and i.status in ('validating', 'running') and (i.lease_until is null or i.lease_until < now())
	order by i.lease_until nulls first limit 1 for update skip locked
), taken as (
	update imports i set lease_until = now() + interval '5 seconds' from due
	where i.program_id = $1 and i.id = due.id
	returning i.*
)
select t.id, t.partner_id, t.status, t.format, t.file_id, t.external_source, t.skips_unknown_columns, t.size_bytes,
	t.read_bytes, t.rows_total, to_json(t.columns) as columns, t.actor_type, t.actor_id,
	coalesce(u.partner_id, c.partner_id) as actor_partner_id, u.role, array_to_string(c.scopes, ' ') as scopes,
	coalesce(u.status = 'active', c.status = 'active' and (c.expires_at is null or c.expires_at > now()), false) as may_act
from taken t
left join users u on t.actor_type = 'user' and u.program_id = t.program_id and u.id = t.actor_id
left join api_clients c on t.actor_type = 'client' and c.program_id = t.program_id and c.id = t.actor_id

-- What was read of the file, unless another process has read it meanwhile.
-- name: job_import_add
with moved as (
	update imports i set read_bytes = ($5->>'read_bytes')::bigint,
		columns = coalesce(i.columns, (select array_agg(x) from jsonb_array_elements_text(nullif($5->'columns', 'null')) x)),
		rows_total = i.rows_total + jsonb_array_length($5->'rows'),
		rows_invalid = i.rows_invalid + (select count(*) from jsonb_array_elements($5->'rows') x where x->>'status' = 'invalid'),
		lease_until = now()
	where i.program_id = $1 and i.id = $3 and i.read_bytes = ($5->>'read_before')::bigint and i.status = 'validating'
	returning i.id
)
insert into import_rows (program_id, import_id, line, id, status, body, external_key, problem)
select $1, m.id, x.line, x.id, x.status, nullif(x.body, 'null'), x.external_key, nullif(x.problem, 'null')
from moved m, jsonb_to_recordset($5->'rows') as x (line int, id uuid, status text, body jsonb, external_key text,
	problem jsonb)

-- The next rows to be tried or registered; same_as is an earlier line that names the same registration.
-- name: job_import_rows
select r.line, r.body::text as body, (select min(o.line) from import_rows o where o.program_id = $1
	and o.import_id = $3 and o.external_key = r.external_key and o.line < r.line) as same_as
from import_rows r
where r.program_id = $1 and r.import_id = $3 and r.status = $5->>'status'
order by r.line limit ($5->>'limit')::int

-- The customer of a line that was tried is taken by it, unless an earlier line of the file has taken it for the same
-- partner: that one is answered.
-- name: job_import_claim
with wanted as materialized (
	select ($5->>'partner_id') || ' ' || k.kind || ' ' || k.key as key, ($5->>'line')::int as line, $5->>'country' as country,
		array(select p::uuid from jsonb_array_elements_text($5->'product_ids') p) as product_ids
	from jsonb_to_recordset($5->'keys') as k(kind text, key text)
), taken as (
	select min(r.line) as line
	from wanted w
	join import_row_keys r on r.program_id = $1 and r.import_id = $3 and r.key = w.key and r.line < w.line
		and deal_scopes_meet(w.product_ids, w.country, r.product_ids, r.country)
), kept as (
	insert into import_row_keys (program_id, import_id, key, line, country, product_ids)
	select $1, $3, w.key, w.line, w.country, w.product_ids from wanted w cross join taken t where t.line is null
	on conflict do nothing
)
select t.line as same_as from taken t

-- What became of rows. Counted is what this write has changed: another process may have been at the same ones.
-- name: job_import_results
with written as (
	update import_rows r set status = x.status, deal_id = x.deal_id, problem = nullif(x.problem, 'null')
	from jsonb_to_recordset($5->'rows') as x (line int, status text, deal_id uuid, problem jsonb)
	where r.program_id = $1 and r.import_id = $3 and r.line = x.line and r.status = $5->>'status'
	returning r.status
), counted as (
	select count(*) filter (where w.status = 'valid') as valid, count(*) filter (where w.status = 'invalid') as invalid,
		count(*) filter (where w.status = 'registered') as registered,
		count(*) filter (where w.status = 'existing') as existing, count(*) filter (where w.status = 'failed') as failed
	from written w
)
update imports i set rows_valid = i.rows_valid + c.valid, rows_invalid = i.rows_invalid + c.invalid,
	rows_registered = i.rows_registered + c.registered, rows_existing = i.rows_existing + c.existing,
	rows_failed = i.rows_failed + c.failed, lease_until = now()
from counted c
where i.program_id = $1 and i.id = $3

-- name: job_import_move
select import_move($6, $5, $3) as moved

-- ---- retention: 90 days after the end, by the program's clock ----

-- name: job_imports_left
select i.id from imports i
where i.program_id = $1 and i.status in ('created', 'validated') and i.updated_at < program_now() - interval '90 days'
	and not job_rests($1, 'lapse_imports', i.id)
order by i.updated_at, i.id limit ($5->>'batch')::int

-- name: job_imports_lapse
select imports_lapse($6, job_ids($5)) as lapsed

-- name: job_imports_kept
select i.id from imports i
where i.program_id = $1 and i.forgotten_at is null and i.finished_at < program_now() - interval '90 days'
	and not job_rests($1, 'forget_imports', i.id)
order by i.finished_at, i.id limit ($5->>'batch')::int

-- name: job_import_forget
select import_forget((job_ids($5))[1], ($5->>'rows')::int) as gone
