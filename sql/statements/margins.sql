-- SPDX-License-Identifier: Apache-2.0
--
-- Rule sets of margin, quotes and simulations.

-- unknown_keys: [rule, condition] of the body whose value names what is not there.
-- name: margin_rule_set_facts
select g.currency, g.margin_cap_bps, program_now() as now, (
	select coalesce(jsonb_agg(jsonb_build_array(r.place - 1, u.place) order by r.place, u.place), '[]')
	from jsonb_array_elements(case jsonb_typeof($4->'rules') when 'array' then $4->'rules' else '[]' end)
		with ordinality r(rule, place)
	cross join lateral unnest(conditions_unknown(r.rule->'conditions')) u(place)
	) as unknown_keys
from programs g
where g.id = $1

-- name: margin_rule_set_create
with written as (
	insert into margin_rule_sets (program_id, id, name, currency, rules, accelerators, quote_valid_days,
		distributor_override_bps, channel_cap_bps, warnings, created_at, updated_at)
	select $1, $3, r.name, r.currency, r.rules, r.accelerators, r.quote_valid_days, r.distributor_override_bps,
		r.channel_cap_bps, r.warnings, program_now(), program_now()
	from jsonb_populate_record(null::margin_rule_sets, $5->'set') r
	returning id
)
select assert_written(count(*)) from written

-- name: margin_rule_set_change
with written as (
	update margin_rule_sets m
	set (name, status, currency, rules, accelerators, quote_valid_days, distributor_override_bps, channel_cap_bps, warnings)
		= (select r.name, r.status, r.currency, r.rules, r.accelerators, r.quote_valid_days, r.distributor_override_bps,
			r.channel_cap_bps, r.warnings from jsonb_populate_record(m, $5->'set') r),
		version = m.version + 1, updated_at = program_now()
	where m.program_id = $1 and m.id = $3 and m.version = ($5->>'expected_version')::int and m.status = 'draft'
	returning m.id
)
select assert_written(count(*)) from written

-- Numbers count publications; of two at once one comes back for the next number. The beginning is never past.
-- name: margin_rule_set_publish
with written as (
	update margin_rule_sets m set status = 'published', valid_from = greatest(n.at, n.now), published_at = n.now,
		published_by_id = ($6->>'actor_id')::uuid, version = m.version + 1, updated_at = n.now,
		number = (select coalesce(max(x.number), 0) + 1 from margin_rule_sets x where x.program_id = $1)
	from (select program_now() as now, ($5->>'effective_at')::timestamptz as at) n
	where m.program_id = $1 and m.id = $3 and m.version = ($5->>'expected_version')::int and m.status = 'draft'
	returning m.id
)
select assert_written(count(*)) from written

-- ---- quotes ----

-- The partner with its tier, the rules in force, and each product that is asked for with its price now.
-- name: margin_quote_facts
select p.id as partner_id, p.name as partner_name, p.status as partner_status, y.earns, t.id as tier_id, t.key as tier_key,
	case when t.status = 'published' and v.terms_id is null then 'scheduled' else t.status end as tier_status,
	v.terms_version, v.floor_bps, v.base_bps, v.cap_bps, g.margin_cap_bps, g.version as program_version,
	n.now, r.id as rule_set_id, coalesce(r.number, 0) as rule_set_version, r.currency as rule_set_currency, r.rules,
	coalesce(r.distributor_override_bps, 0) as override_bps, coalesce(r.channel_cap_bps, -1) as channel_cap_bps,
	((n.now at time zone g.zone) + make_interval(days => coalesce(r.quote_valid_days, 30))) at time zone g.zone
		as valid_until,
	partner_distributor_at(p.id, n.now) as distributor_id,
	case when p.id is not null then margin_facts_of_partner(p, t.key)
		|| margin_facts_of_country($1, $4->>'customer_country') end as facts,
	(select coalesce(jsonb_object_agg(x.asked, to_jsonb(o) || jsonb_build_object('price', (select to_jsonb(c)
			from product_prices c where c.program_id = $1 and c.product_id = o.id and c.currency = $4->>'currency'
				and c.status = 'published' and c.valid_from <= n.now
			order by c.valid_from desc limit 1))), '{}')
		from (select distinct l->>'product_id' as asked from jsonb_array_elements($4->'lines') l) x
		join products o on o.program_id = $1 and o.id = x.asked::uuid) as products
from programs g
cross join (select program_now() as now) n
left join partners p on p.program_id = g.id and p.id = coalesce($2, ($4->>'partner_id')::uuid)
left join partner_types y on y.program_id = p.program_id and y.key = p.type
left join tiers t on t.program_id = p.program_id and t.id = p.tier_id
left join tier_terms_at(n.now) v on v.program_id = t.program_id and v.tier_id = t.id
left join margin_rule_set_at(n.now) r on true
where g.id = $1

-- Re-asserts what the quote was worked out with: the partner, its distributor, its tier and the rules. Tier and program are not locked, for
-- a partner must not: terms that change in this moment come after the quote.
-- name: margin_quote_create
with partner as (
	select p.id, program_now() as now, nextval('margin_quote_numbers') as counter
	from partners p
	where p.program_id = $1 and p.id = ($5->>'partner_id')::uuid and p.status = 'active'
		and p.tier_id = ($5->'set'->>'tier_id')::uuid
	for share
), terms as (
	select v.tier_id from tier_terms_now() v join programs g on g.id = v.program_id
	where v.program_id = $1 and v.tier_id = ($5->'set'->>'tier_id')::uuid
		and v.terms_version = ($5->>'terms_version')::int and g.version = ($5->>'program_version')::int
), written as (
	insert into margin_quotes (program_id, id, partner_id, number, customer_name, customer_country, currency, terms, rating,
		lines, list_minor, discount_minor, net_minor, margin_bps, margin_minor, clipped_bps, vendor_side, steps, tier_id,
		rule_set_id, rule_set_version, decision_id, valid_until, created_by_id, created_at, updated_at)
	select $1, $3, p.id, 'Q-' || to_char(p.now at time zone g.zone, 'YYYY') || '-' || human_number(p.counter),
		r.customer_name, r.customer_country, r.currency, r.terms, r.rating, r.lines, r.list_minor, r.discount_minor,
		r.net_minor, r.margin_bps, r.margin_minor, r.clipped_bps, r.vendor_side, r.steps, r.tier_id, r.rule_set_id,
		r.rule_set_version, r.decision_id, r.valid_until, ($6->>'actor_id')::uuid, p.now, p.now
	from jsonb_populate_record(null::margin_quotes, $5->'set') r
	cross join partner p
	cross join terms
	join programs g on g.id = $1
	where (select s.id from margin_rule_set_at(p.now) s) is not distinct from r.rule_set_id
		and partner_distributor_at(p.id, p.now) is not distinct from (r.vendor_side->>'distributor_id')::uuid
	returning id
)
select assert_written(count(*)) from written

-- ---- simulations ----

-- The draft, the rules in force, and the deals decided in a period with what decided them then.
-- name: margin_simulation_facts
select m.id as rule_set_id, coalesce(m.number, 0) as rule_set_version, m.currency as rule_set_currency, m.rules,
	program_now() as now, g.margin_cap_bps
from margin_rule_sets m
join programs g on g.id = m.program_id
where m.program_id = $1 and m.id = ($4->>'rule_set_id')::uuid and m.status <> 'discarded'

-- name: margin_simulation_deals
select d.id as deal_id, d.number, d.partner_id, p.name as partner_name, d.currency, d.amount_minor, d.margin_bps,
	d.margin_minor, (extract(epoch from d.decided_at) * 1000000)::bigint as decided_us, margin_facts_of_partner(p, x.inputs->'tier'->>'key') || margin_facts_of_deal(d)
		|| case when q.id is null then '{}' else jsonb_build_object('rating', q.rating) end as facts,
	(x.inputs->'tier'->>'floor_bps')::bigint as floor_bps, (x.inputs->'tier'->>'base_bps')::bigint as base_bps,
	(x.inputs->'tier'->>'cap_bps')::bigint as cap_bps, (x.inputs->>'margin_cap_bps')::bigint as margin_cap_bps
from deals d
join partners p on p.program_id = d.program_id and p.id = d.partner_id
join decisions x on x.program_id = d.program_id and x.id = d.margin_decision_id
left join margin_quotes q on q.program_id = d.program_id and q.id = d.quote_id
where d.program_id = $1 and d.margin_bps is not null and d.decided_at >= ($4->>'decided_from')::timestamptz
	and d.decided_at < ($4->>'decided_until')::timestamptz
	and (not $4 ? 'partner_id' or d.partner_id = ($4->>'partner_id')::uuid)
order by d.decided_at, d.id
limit 1001

-- What a partner has won in the program's fiscal year so far, in the currency of the rules in force.
-- name: partner_accelerators
select p.id as partner_id, r.id as rule_set_id, coalesce(r.number, 0) as rule_set_version, r.currency,
	coalesce(r.accelerators, '[]') as accelerators, y.starts_on, n.now,
	coalesce((select sum(d.actual_amount_minor)::bigint from deals d where d.program_id = p.program_id
		and d.partner_id = p.id and d.status = 'won' and d.currency = r.currency and d.closed_on >= y.starts_on), 0)
		as won_minor
from partners p
join programs g on g.id = p.program_id
cross join (select program_now() as now) n
cross join lateral (select (date_trunc('month', n.now at time zone g.zone) - make_interval(months =>
	(extract(month from n.now at time zone g.zone)::int - g.fiscal_year_start_month + 12) % 12))::date as starts_on) y
left join margin_rule_set_at(n.now) r on true
where p.program_id = $1 and p.id = $3 and ($2 is null or p.id = $2)

-- ---- proration ----

-- What the margin of a period goes by, day by day: the tier that the partner had when the day began in the program's zone,
-- the terms of that tier and the rules in force then; or the deal, whose margin is locked. At most 366 days are looked at.
-- name: margin_proration_facts
with asked as (
	select g.id as program_id, g.zone, g.currency, g.margin_cap_bps, coalesce($4->>'rate_at', g.proration_rate_at) as rate_at,
		($4->>'starts_on')::date as starts_on, ($4->>'ends_on')::date as ends_on
	from programs g where g.id = $1
), days as (
	select (a.starts_on + i)::text as day, (a.starts_on + i)::timestamp at time zone a.zone as at
	from asked a, generate_series(0, least(a.ends_on - a.starts_on, 366) - 1) i
)
select a.zone, a.rate_at, a.margin_cap_bps, a.ends_on - a.starts_on as days, p.id as partner_id, p.name as partner_name,
	y.earns, d.id as deal_id, d.currency as deal_currency, d.margin_bps as deal_margin_bps, d.tier_id as deal_tier_id,
	case when p.id is not null then margin_facts_of_partner(p, null)
		|| margin_facts_of_country($1, $4->>'customer_country') end as facts,
	(select jsonb_agg(jsonb_build_object('day', s.day, 'at_us', (extract(epoch from s.at) * 1000000)::bigint,
			'tier_id', v.tier_id, 'tier_key', v.key, 'terms_version', v.terms_version, 'floor_bps', v.floor_bps,
			'base_bps', v.base_bps, 'cap_bps', v.cap_bps, 'rule_set_id', r.id) order by s.at)
		from days s
		left join lateral (select c.to_tier_id from partner_tier_changes c where c.program_id = $1 and c.partner_id = p.id
			and c.effective_at <= s.at order by c.effective_at desc, c.id desc limit 1) c on true
		left join tier_terms_at(s.at) v on v.program_id = $1 and v.tier_id = c.to_tier_id
		left join margin_rule_set_at(s.at) r on true) as rate_days,
	(select coalesce(jsonb_object_agg(r.id, jsonb_build_object('version', r.number, 'currency', r.currency, 'rules', r.rules)), '{}')
		from margin_rule_sets r
		where r.program_id = $1 and r.id in (select (margin_rule_set_at(s.at)).id from days s)) as rule_sets
from asked a
left join deals d on d.program_id = $1 and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
left join partners p on p.program_id = $1 and p.id = coalesce(d.partner_id, $2, ($4->>'partner_id')::uuid)
left join partner_types y on y.program_id = $1 and y.key = p.type
