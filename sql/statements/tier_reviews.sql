-- SPDX-License-Identifier: Apache-2.0

-- refused: the partners asked for that are not there, or not active. done_id: the evaluation of the period.
-- name: tier_evaluation_facts
select f.facts, e.id as done_id,
	(select jsonb_agg(jsonb_build_object('index', x.place - 1, 'status', p.status) order by x.place)
		from jsonb_array_elements_text($4->'partner_ids') with ordinality x(id, place)
		left join partners p on p.program_id = $1 and p.id = x.id::uuid
		where p.status is distinct from 'active') as refused
from (select tier_review_facts(case when $4 ? 'partner_ids'
		then array(select jsonb_array_elements_text($4->'partner_ids')::uuid) end, null, 200,
	coalesce(($4->>'use_drafts')::boolean, false), false) as facts) f
left join tier_evaluations e on e.program_id = $1 and e.review_key = (f.facts->>'period_on')::date

-- The same for the partners behind decision.after; for a dry run, which looks at all of them.
-- name: tier_evaluation_page
select tier_review_facts(null, ($5->>'after')::uuid, 200, coalesce(($4->>'use_drafts')::boolean, false), false) as facts

-- name: tier_evaluation_create
select assert_written(tier_evaluation_start($3, $5, $6))

-- earliest_demotion_on: by the reviews that are due at the beginning of periods, were all of them failed that count.
-- name: tier_progress_facts
select f.facts, p.status, p.at_risk_since, s.override_until, s.immune_until, r.reviewed_at as last_reviewed_at,
	(d.counts_from + make_interval(months => g.tier_review_months
		* (greatest(g.tier_grace_reviews - p.failed_reviews, 1) - 1)))::date as earliest_demotion_on
from partners p
join programs g on g.id = p.program_id
cross join lateral (select tier_review_facts(array[p.id], null, 1, false, true) as facts, program_now() as now) f
cross join lateral (select case when p.override_until > f.now then p.override_until end as override_until,
	case when (f.facts->'partners'->0->>'is_immune')::boolean
		then (f.facts->'partners'->0->>'immune_until')::timestamptz end as immune_until) s
cross join lateral (select greatest(f.now, s.override_until, s.immune_until) at time zone g.zone as local) x
cross join lateral (select tier_period(x.local::date, g.fiscal_year_start_month, g.tier_review_months) as period_on) y
cross join lateral (select case when y.period_on >= x.local then y.period_on
	else (y.period_on + make_interval(months => g.tier_review_months))::date end as counts_from) d
left join lateral (select v.reviewed_at from tier_reviews v where v.program_id = p.program_id and v.partner_id = p.id
	order by v.reviewed_at desc limit 1) r on true
where p.program_id = $1 and p.id = $3 and ($2 is null or p.id = $2)

-- name: job_review_facts
with due as materialized (select tier_evaluation_due(($5->>'new_id')::uuid) as id)
select e.id as evaluation_id, e.cursor_id, tier_review_facts(null, e.cursor_id, ($5->>'batch')::int, false, false) as facts
from due join tier_evaluations e on e.program_id = $1 and e.id = due.id

-- name: job_review_store
select tier_evaluation_go_on($5, $6) as stored
