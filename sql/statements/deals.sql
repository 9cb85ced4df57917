-- SPDX-License-Identifier: Apache-2.0
--
-- $1 program, $2 partner (null: the vendor asks), $3 id, $4 body, $5 decision, $6 request, $7 row before.

-- What registration needs to know: the partner that registers, whether one of the foreign ids is taken, and the quote.
-- name: deal_register_facts
select p.id as partner_id, p.status as partner_status,
	(select e.deal_id from deal_external_ids e, jsonb_each_text(coalesce($4->'external_ids', '{}')) x
		where e.program_id = $1 and e.partner_id = p.id and e.source = x.key and e.external_id = x.value
		limit 1) as existing_deal_id,
	n.now, q.id as quote_id, q.currency as quote_currency, q.net_minor as quote_net_minor, q.terms as quote_terms,
	q.valid_until as quote_valid_until,
	(select jsonb_agg(distinct l.line->'product_id') from jsonb_array_elements(q.lines) l(line)) as quote_product_ids,
	(select d.id from deals d where d.program_id = $1 and d.quote_id = q.id) as quote_deal_id,
	custom_field_definitions('deal') as field_definitions, l.open_limit,
	case when l.open_limit is not null then deal_open_count(p.id) end as open_count
from programs g
cross join (select program_now() as now) n
left join partners p on p.program_id = g.id and p.id = coalesce($2, ($4->>'partner_id')::uuid)
left join margin_quotes q on q.program_id = g.id and q.partner_id = p.id and q.id = ($4->>'quote_id')::uuid
cross join lateral (select deal_limit_of(p.id, p.tier_id) as open_limit offset 0) l
where g.id = $1

-- The first part holds the partner, the time and the counter, each asked for once; deal_place gives the registration its
-- place among those for the same customer.
-- name: deal_register
with partner as (
	select p.id, program_now() as now, nextval('deal_numbers') as counter
	from partners p
	where p.program_id = $1 and p.id = ($5->>'partner_id')::uuid and p.status = 'active'
		and (not coalesce(($5->>'needs_capacity')::boolean, false) or deal_capacity_take(p.id))
	for share
), written as (
	insert into deals (program_id, id, partner_id, number, status, customer_name, customer_country, customer_website,
		customer_tax_id, customer_duns, customer_contact_name, customer_contact_email, amount_minor, currency,
		expected_close_on, description, product_ids, line_items, external_ids, custom_fields, vendor_custom_fields, terms,
		quote_id, submitted_at,
		created_by_id, created_at, updated_at)
	select $1, $3, p.id, 'D-' || to_char(p.now at time zone g.zone, 'YYYY') || '-' || human_number(p.counter),
		$5->>'status', $4->>'customer_name', $4->>'customer_country', $4->>'customer_website', $4->>'customer_tax_id',
		$4->>'customer_duns', $4->>'customer_contact_name', $4->>'customer_contact_email', ($5->'amount'->>'amount_minor')::bigint,
		$5->'amount'->>'currency', ($4->>'expected_close_on')::date, $4->>'description',
		array(select x::uuid from jsonb_array_elements_text($5->'product_ids') x),
		coalesce(nullif($4->'line_items', 'null'), '[]'), coalesce(nullif($4->'external_ids', 'null'), '{}'),
		coalesce(nullif($4->'custom_fields', 'null'), '{}'), coalesce(nullif($4->'vendor_custom_fields', 'null'), '{}'), $5->'terms', ($4->>'quote_id')::uuid, case when $5->>'status' <> 'draft' then p.now end,
		($6->>'actor_id')::uuid, p.now, p.now
	from partner p
	join programs g on g.id = $1
	where ($4->>'quote_id') is null or exists (select from margin_quotes q where q.program_id = $1
		and q.partner_id = p.id and q.id = ($4->>'quote_id')::uuid and q.valid_until > p.now)
	returning id, partner_id, external_ids
), linked as (
	insert into deal_external_ids (program_id, partner_id, source, external_id, deal_id)
	select $1, w.partner_id, x.key, x.value, w.id from written w, jsonb_each_text(w.external_ids) x
)
select assert_written(count(*)) from written w where deal_place($6, $5, w.id)

-- Whether one of the foreign ids that a patch sets names another deal of the partner.
-- name: deal_update_facts
select (select e.deal_id from deal_external_ids e, jsonb_each_text(case jsonb_typeof($4->'external_ids')
			when 'object' then $4->'external_ids' else '{}' end) x
		where e.program_id = $1 and e.partner_id = d.partner_id and e.deal_id <> d.id and e.source = x.key
			and e.external_id = x.value
		limit 1) as existing_deal_id, d.quote_id, d.amount_minor, d.currency,
	case when $4 ?| array['custom_fields', 'vendor_custom_fields'] then custom_field_definitions('deal') end
		as field_definitions,
	(select w.id from deal_stages w where w.program_id = $1 and w.key = $4->>'stage_key'
		and (w.status = 'active' or w.id = d.stage_id)) as stage_id
from deals d
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- What a decision on a deal needs to know: the partner and its tier, the program's terms, and when protection that
-- starts now would end: calendar days in the program's zone, at the same local time (domain.md §5.6).
-- name: deal_facts
select d.status, d.amount_minor, d.currency, d.partner_id, p.status as partner_status,
	t.id as tier_id, t.key as tier_key, case when t.status = 'published' and v.terms_id is null then 'scheduled' else t.status end as tier_status,
	v.terms_version, v.floor_bps, v.base_bps, v.cap_bps, coalesce(y.earns, 'margin') as earns, y.commission_bps,
	g.version as program_version, g.margin_cap_bps, g.zone, coalesce(($4->>'protection_days')::int, y.protection_days, g.protection_days) as protection_days,
	(select l.id from lost_reasons l where l.program_id = $1 and l.key = $4->>'reason_key' and l.status = 'active')
		as lost_reason_id,
	n.now, (n.now at time zone g.zone)::date as today, d.protected_until,
	case when d.status = 'approved' then deal_worth_facts(d.currency,
		coalesce(($4->>'closed_on')::date, (n.now at time zone g.zone)::date)) end as worth_facts,
	((n.now at time zone g.zone) + make_interval(days => coalesce(($4->>'protection_days')::int, y.protection_days, g.protection_days)))
		at time zone g.zone as protection_ends_at,
	r.id as rule_set_id, coalesce(r.number, 0) as rule_set_version, r.currency as rule_set_currency, r.rules,
	case when d.status = 'draft' then custom_field_definitions('deal') end as field_definitions,
	partner_distributor_at(d.partner_id, n.now) as distributor_id,
	coalesce(r.distributor_override_bps, 0) as override_bps, coalesce(r.channel_cap_bps, -1) as channel_cap_bps,
	l.open_limit, case when l.open_limit is not null then deal_open_count(d.partner_id) end as open_count,
	g.attribution_model, g.attribution_window_days,
	case when d.status in ('submitted', 'in_review', 'approved') then deal_shares(d, (n.now at time zone g.zone)::date) end
		as shares,
	g.policies_version, case when d.status in ('submitted', 'in_review') then deal_approval_facts(d, x.facts) end as approval,
	x.facts, q.id as quote_id, q.number as quote_number, q.valid_until as quote_valid_until,
	q.margin_bps as quote_margin_bps, q.margin_minor as quote_margin_minor, q.clipped_bps as quote_clipped_bps,
	case when d.status in ('submitted', 'in_review') then special_price_of(d.id) end as special_price
from deals d
join programs g on g.id = d.program_id
join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join tiers t on t.program_id = p.program_id and t.id = p.tier_id
left join partner_types y on y.program_id = p.program_id and y.key = p.type
cross join (select program_now() as now) n
left join tier_terms_at(n.now) v on v.program_id = t.program_id and v.tier_id = t.id
left join margin_rule_set_at(n.now) r on true
left join margin_quotes q on q.program_id = d.program_id and q.id = d.quote_id
cross join lateral (select margin_facts_of_partner(p, t.key) || margin_facts_of_deal(d) as facts) x
cross join lateral (select case when d.status = 'draft' then deal_limit_of(p.id, p.tier_id) end as open_limit offset 0) l
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- Every change of a deal: decision.set holds the new values of columns. Re-asserted under row locks where the decision
-- says so: needs_partner, that the partner is active; needs_earns, that its type earns like this; needs_tier, that it is in this tier and that tier and program still
-- have the terms that were read; needs_rule_set, that this rule set of margin (null: none) is in force; needs_distributor,
-- that the partner buys through this one (null: through none); needs_protection, that protection still runs; needs_quote,
-- that its quote, if any, is valid still; needs_capacity,
-- that the partner has room for one more; policies_version, that the policies of approval are those that were read;
-- needs_special_price, that this (null: nothing) is granted and nothing asked for, once nobody else holds the deal.
-- approval: the step that is decided with it.
-- Before the deal is locked, so are its keys, where others may move on or come in the way.
-- name: deal_change
with partner as (
	select p.id from partners p
	where p.program_id = $1 and p.id = ($5->>'needs_partner')::uuid and p.status = 'active'
		and (not $5 ? 'needs_tier' or p.tier_id = ($5->>'needs_tier')::uuid)
		and (not $5 ? 'needs_earns' or exists (select from partner_types y where y.program_id = $1 and y.key = p.type
			and y.earns = $5->>'needs_earns' and y.commission_bps is not distinct from ($5->>'needs_commission_bps')::int))
		and (not coalesce(($5->>'needs_capacity')::boolean, false) or deal_capacity_take(p.id))
	for share
), terms as (
	select t.id from tiers t
	join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	join programs g on g.id = t.program_id
	where t.program_id = $1 and t.id = ($5->>'needs_tier')::uuid and v.terms_version = ($5->>'terms_version')::int
		and g.version = ($5->>'program_version')::int
	for share of t, g
), policies as (
	select g.id from programs g where g.id = $1 and g.policies_version = ($5->>'policies_version')::int for share
), locked as materialized (
	select case when $5->'set' ? 'status' or $5 ? 'keys' then deal_keys_lock(array[$3], $5->'keys') end
	from (select count(*) from partner) p, (select count(*) from terms) t, (select count(*) from policies) o
), written as (
	update deals d
	set (status, customer_name, customer_country, customer_website, customer_tax_id, customer_duns, customer_contact_name,
		customer_contact_email, amount_minor, currency, expected_close_on, description, product_ids, line_items, external_ids,
		custom_fields, terms, tier_id, earns, commission_bps, margin_bps, margin_minor, margin_decision_id, submitted_at, decided_at, decision_comment,
		review_note, info_request, protection_starts_at, protection_expires_at, closed_on, closed_at,
		actual_amount_minor, worth_minor, worth_currency, worth_conversion, lost_reason,
		distributor_id, distributor_override_minor)
		= (select r.status, r.customer_name, r.customer_country, r.customer_website, r.customer_tax_id,
			r.customer_duns, r.customer_contact_name, r.customer_contact_email, r.amount_minor, r.currency, r.expected_close_on,
			r.description, r.product_ids, r.line_items, r.external_ids, r.custom_fields, r.terms, r.tier_id, r.earns,
			r.commission_bps, r.margin_bps, r.margin_minor,
			r.margin_decision_id, r.submitted_at, r.decided_at, r.decision_comment, r.review_note, r.info_request,
			r.protection_starts_at, r.protection_expires_at, r.closed_on, r.closed_at, r.actual_amount_minor, r.worth_minor,
			r.worth_currency, r.worth_conversion, r.lost_reason,
			r.distributor_id, r.distributor_override_minor
			from jsonb_populate_record(d, $5->'set') r),
		vendor_custom_fields = coalesce($5->'set'->'vendor_custom_fields', d.vendor_custom_fields),
		(stage_id, next_step, next_step_due_on, lost_reason_id)
		= (select r.stage_id, r.next_step, r.next_step_due_on, r.lost_reason_id
			from jsonb_populate_record(d, $5->'set') r),
		version = d.version + 1, updated_at = program_now()
	from locked
	where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)
		and d.version = ($5->>'expected_version')::int
		and (not $5 ? 'needs_partner' or exists (select from partner))
		and (not $5 ? 'needs_tier' or exists (select from terms))
		and (not $5 ? 'policies_version' or exists (select from policies))
		and (not $5 ? 'needs_rule_set' or (select s.id from margin_rule_set_at(program_now()) s)
			is not distinct from ($5->>'needs_rule_set')::uuid)
		and (not $5 ? 'needs_distributor' or partner_distributor_at(d.partner_id, program_now())
			is not distinct from ($5->>'needs_distributor')::uuid)
		and not (coalesce(($5->>'needs_protection')::boolean, false) and d.protected_until <= program_now())
		and not (coalesce(($5->>'needs_quote')::boolean, false) and exists (select from margin_quotes q
			where q.program_id = $1 and q.id = d.quote_id and q.valid_until <= program_now()))
	returning d.id, d.partner_id, d.external_ids
), decided as (
	insert into deal_approvals (program_id, id, deal_id, round, policy_id, policy_version, step, step_name, decided_by_id,
		decided_at, comment)
	select $1, ($5->>'event_id')::uuid, w.id, a.round, a.policy_id, a.policy_version, a.step, a.step_name, ($6->>'actor_id')::uuid,
		program_now(), a.comment
	from written w, jsonb_to_record($5->'approval') as a(round int, policy_id uuid, policy_version int, step int,
		step_name text, comment text)
	where $5 ? 'approval'
), unlinked as (
	delete from deal_external_ids e using written w
	where $5->'set' ? 'external_ids' and e.program_id = $1 and e.deal_id = w.id
		and w.external_ids->>e.source is distinct from e.external_id
), linked as (
	insert into deal_external_ids (program_id, partner_id, source, external_id, deal_id)
	select $1, w.partner_id, x.key, x.value, w.id
	from written w, jsonb_each_text(w.external_ids) x
	where $5->'set' ? 'external_ids' and not exists (select from deal_external_ids e where e.program_id = $1
		and e.partner_id = w.partner_id and e.source = x.key and e.external_id = x.value and e.deal_id = w.id)
)
select assert_written(count(*)) from written w where (not $5 ? 'keys' or deal_place($6, $5, w.id))
	and (not $5 ? 'needs_special_price' or coalesce(special_price_of(w.id), 'null') = $5->'needs_special_price')
	and (not $5 ? 'credit' or deal_credit_write($6, $5->'credit', w.id))
