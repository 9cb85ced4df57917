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

-- Line items name a product by its key or its name; what a quote has priced is known by id.
create or replace function margin_facts_of_deal(deal deals) returns jsonb language plpgsql stable as
$$
begin
	return (select deal.terms || margin_facts_of_country(deal.program_id, deal.customer_country)
			|| jsonb_build_object('amount_minor', deal.amount_minor, 'currency', deal.currency, 'discount_bps', coalesce((
					select q.discount_minor * 10000::numeric / nullif(q.list_minor, 0) from margin_quotes q
					where q.program_id = deal.program_id and q.id = deal.quote_id), 0)::int,
				'products', jsonb_agg(distinct x.key), 'product_kinds', jsonb_agg(distinct x.kind))
		from jsonb_array_elements(deal.line_items) l
		join products x on x.program_id = deal.program_id and (x.key = l->>'product' or x.name = l->>'product'));
end $$;
