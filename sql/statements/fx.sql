-- SPDX-License-Identifier: Apache-2.0
--
-- Exchange rates: dated records that are added and withdrawn, and what a look-up finds.

-- name: fx_rate_facts
select program_now() as now, f.id as taken_by_id
from programs g
left join fx_rates f on f.program_id = g.id and f.base = $4->>'base' and f.quote = $4->>'quote' and f.status = 'active'
	and f.valid_from = coalesce(($4->>'valid_from')::timestamptz, program_now())
where g.id = $1

-- name: fx_rate_create
with written as (
	insert into fx_rates (program_id, id, base, quote, rate, source, valid_from, created_by_id, created_at, updated_at)
	select $1, $3, b.base, b.quote, $5->>'rate', b.source, coalesce(b.valid_from, n.now), ($6->>'actor_id')::uuid, n.now, n.now
	from jsonb_to_record($4) as b(base text, quote text, source text, valid_from timestamptz)
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: fx_rate_withdraw
with written as (
	update fx_rates f set status = 'withdrawn', withdrawn_at = program_now(), withdraw_reason = $4->>'reason',
		version = f.version + 1, updated_at = program_now()
	where f.program_id = $1 and f.id = $3 and f.version = ($5->>'expected_version')::int and f.status = 'active'
	returning f.id
)
select assert_written(count(*)) from written

-- The rate in force of every pair among the two currencies and the program's own, at $4.at or now. $4: from, to, at.
-- name: fx_rates_at
select g.currency as pivot, instant(m.at) as at,
	fx_rates_among(array[$4->>'from', $4->>'to', g.currency], m.at) as rates
from programs g
cross join lateral (select coalesce(($4->>'at')::timestamptz, program_now()) as at) m
where g.id = $1
