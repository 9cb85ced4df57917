-- SPDX-License-Identifier: Apache-2.0
--
-- What rules of margin look at, by the names of MARGIN_FACTS (include/domain/margin_rules.h): a member that is null or
-- missing is not known.

-- The rule set in force at an instant: the one with the latest beginning that has come; of two with the same beginning
-- the one that was published later.
create or replace function margin_rule_set_at(instant timestamptz) returns setof margin_rule_sets language sql stable as
$$
	select r.* from margin_rule_sets r
	where r.program_id = app_program() and r.status = 'published' and r.valid_from <= instant
	order by r.valid_from desc, r.number desc
	limit 1
$$;

create or replace function margin_facts_of_partner(partner partners, tier_key text) returns jsonb
language plpgsql stable as
$$
begin
	return jsonb_build_object('partner_type', partner.type, 'partner_country', partner.country, 'tier', tier_key);
end $$;

-- The regions of the map that the customer's country lies in.
create or replace function margin_facts_of_country(program uuid, country text) returns jsonb language plpgsql stable as
$$
begin
	return jsonb_build_object('customer_country', country,
		'regions', case when country is not null then to_jsonb(country_regions(program, country)) end);
end $$;

-- What the deal was registered for, what its quote has priced, and what its line items name by key or name. A line that
-- names no product stands among them as null: there is something in the deal that is not known.
create or replace function margin_facts_of_products(deal deals) returns jsonb language plpgsql stable as
$$
declare
	named constant text[] := array(select l->>'product' from jsonb_array_elements(deal.line_items) l);
	ids constant uuid[] := deal.product_ids || array(select (l->>'product_id')::uuid
		from margin_quotes q, jsonb_array_elements(q.lines) l
		where q.program_id = deal.program_id and q.id = deal.quote_id);
begin
	return (select jsonb_build_object('products', x.keys || r.rest, 'product_kinds', x.kinds || r.rest)
		from (select jsonb_agg(distinct p.key) as keys, jsonb_agg(distinct p.kind) as kinds,
				array_agg(p.key) || array_agg(p.name) as names
			from products p where p.program_id = deal.program_id
				and (p.id = any (ids) or p.key = any (named) or p.name = any (named))) x
		cross join lateral (select case when named <@ x.names then '[]' else 'null' end::jsonb as rest) r);
end $$;

-- Most deals name no country, quote or product, and nothing is looked up for them.
create or replace function margin_facts_of_deal(deal deals) returns jsonb language plpgsql stable as
$$
declare
	facts jsonb := deal.terms || jsonb_build_object('amount_minor', deal.amount_minor, 'currency', deal.currency,
		'discount_bps', 0, 'products', null, 'product_kinds', null, 'customer_country', null, 'regions', null);
begin
	if deal.customer_country is not null then
		facts := facts || margin_facts_of_country(deal.program_id, deal.customer_country);
	end if;
	if deal.quote_id is not null then
		facts := facts || jsonb_build_object('discount_bps', coalesce((
			select q.discount_minor * 10000::numeric / nullif(q.list_minor, 0) from margin_quotes q
			where q.program_id = deal.program_id and q.id = deal.quote_id), 0)::int);
	end if;
	if deal.quote_id is not null or deal.line_items <> '[]' or deal.product_ids <> '{}' then
		facts := facts || margin_facts_of_products(deal);
	end if;
	return facts;
end $$;

-- Which of a rule's conditions, counted from 0, ask for a key that nothing in the program has: they could never hold.
create or replace function conditions_unknown(conditions jsonb) returns int[] language plpgsql stable as
$$
begin
	return (select coalesce(array_agg(distinct (c.place - 1)::int), '{}')
		from jsonb_array_elements(case jsonb_typeof(conditions) when 'array' then conditions else '[]' end)
			with ordinality c(condition, place)
		cross join lateral jsonb_array_elements_text(case jsonb_typeof(c.condition->'value')
			when 'array' then c.condition->'value' when 'string' then jsonb_build_array(c.condition->'value')
			else '[]' end) w(key)
		where not case c.condition->>'fact'
			when 'tier' then exists (select from tiers t where t.program_id = app_program() and t.key = w.key)
			when 'partner_type' then exists (select from partner_types t where t.program_id = app_program() and t.key = w.key)
			when 'regions' then exists (select from regions t where t.program_id = app_program() and t.key = w.key)
			when 'products' then exists (select from products t where t.program_id = app_program() and t.key = w.key)
			else true end);
end $$;
