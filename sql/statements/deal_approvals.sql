-- SPDX-License-Identifier: Apache-2.0

-- Policies of approval: what a new one, or a change of one, needs to know. `approvers`: the role of each person it names,
-- by place (step * 100 + place in the list, the escalation as step 10); null for who is not an active person of the vendor.
-- name: approval_policy_facts
select g.currency, (
	select coalesce(jsonb_agg(jsonb_build_array(x.place, v.role) order by x.place), '[]')
	from (
		select (s.place - 1) * 100 + u.place - 1 as place, u.id
		from jsonb_array_elements(case jsonb_typeof($4->'steps') when 'array' then $4->'steps' else '[]' end)
			with ordinality s(step, place)
		cross join lateral jsonb_array_elements_text(case jsonb_typeof(s.step->'user_ids') when 'array'
			then s.step->'user_ids' else '[]' end) with ordinality u(id, place)
		union all
		select 1000 + u.place - 1, u.id
		from jsonb_array_elements_text(case jsonb_typeof($4->'escalation'->'user_ids') when 'array'
			then $4->'escalation'->'user_ids' else '[]' end) with ordinality u(id, place)
	) x
	left join users v on v.program_id = $1 and v.id = x.id::uuid and v.partner_id is null and v.status = 'active'
	) as approvers, (
	select coalesce(jsonb_agg(jsonb_build_array(0, u.place) order by u.place), '[]')
	from unnest(conditions_unknown($4->'conditions')) u(place)
	) as unknown_keys
from programs g
where g.id = $1

-- name: approval_policy_create
with written as (
	insert into deal_approval_policies (program_id, id, name, position, currency, conditions, steps, is_automatic, escalation,
		created_by_id, created_at, updated_at)
	select $1, $3, r.name, coalesce(r.position, (select coalesce(max(o.position), 0) + 10 from deal_approval_policies o
			where o.program_id = $1 and o.status = 'active')), $5->>'currency', r.conditions, r.steps, r.is_automatic,
		nullif(r.escalation, 'null'), ($6->>'actor_id')::uuid, n.now, n.now
	from jsonb_populate_record(null::deal_approval_policies, $5->'set') r
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: approval_policy_change
with written as (
	update deal_approval_policies p
	set (name, position, status, conditions, steps, is_automatic, escalation)
		= (select r.name, r.position, r.status, r.conditions, r.steps, r.is_automatic, nullif(r.escalation, 'null')
			from jsonb_populate_record(p, $5->'set') r),
		version = p.version + 1, updated_at = program_now()
	where p.program_id = $1 and p.id = $3 and p.version = ($5->>'expected_version')::int
	returning p.id
)
select assert_written(count(*)) from written

-- What decides whether the caller may approve these deals (body.ids): as deal_facts and deal_approval_facts read it, with
-- the policies once for all. Without policies nobody looks at what a deal is like.
-- name: deal_approvable
select n.now, deal_approval_policies_now($1) as policies, (
	select jsonb_agg(jsonb_build_object('id', d.id, 'registered_by_id', d.created_by_id, 'round', d.review_round,
		'is_overdue', coalesce(d.review_due_at <= n.now, false), 'asks_price', d.asks_price,
		'earns', coalesce(y.earns, 'margin'), 'tier_status', case when v.tier_id is not null then t.status end,
		'facts', case when o.apply then margin_facts_of_partner(p, t.key) || margin_facts_of_deal(d) end,
		'given', (select jsonb_agg(jsonb_build_object('policy_id', a.policy_id, 'policy_version', a.policy_version,
				'step', a.step, 'decided_by_id', a.decided_by_id, 'round', a.round))
			from deal_approvals a where a.program_id = $1 and a.deal_id = d.id and a.round = d.review_round)))
	from deals d
	join partners p on p.program_id = d.program_id and p.id = d.partner_id
	left join tiers t on t.program_id = p.program_id and t.id = p.tier_id
	left join tier_terms_at(n.now) v on v.program_id = t.program_id and v.tier_id = t.id
	left join partner_types y on y.program_id = p.program_id and y.key = p.type
	cross join (select exists (select from deal_approval_policies o
		where o.program_id = $1 and o.status = 'active') as apply) o
	where d.program_id = $1 and d.id = any(array(select jsonb_array_elements_text($4->'ids')::uuid))) as deals
from (select program_now() as now) n

-- How the approval of a deal stands.
-- name: deal_approvals
select d.id, d.status, d.review_due_at, n.now, deal_approval_facts(d, margin_facts_of_partner(p, t.key)
	|| margin_facts_of_deal(d)) as approval
from deals d
join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join tiers t on t.program_id = p.program_id and t.id = p.tier_id
cross join (select program_now() as now) n
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- What waits for a decision while there are policies, who was submitted first before others: as many as are judged one by
-- one for each page of somebody's queue.
-- name: deals_to_decide
select n.now, p.policies, case when p.policies <> '[]' then (
	select coalesce(jsonb_agg(deal_review_facts(d, margin_facts_of_partner(o, t.key) || margin_facts_of_deal(d))), '[]')
	from (select w.* from deals w where w.program_id = $1 and w.status in ('submitted', 'in_review')
		order by w.submitted_at, w.id limit 500) d
	join partners o on o.program_id = d.program_id and o.id = d.partner_id
	left join tiers t on t.program_id = o.program_id and t.id = o.tier_id
	) end as deals
from (select program_now() as now) n, (select deal_approval_policies_now($1) as policies offset 0) p
