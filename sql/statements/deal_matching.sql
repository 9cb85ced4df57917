-- SPDX-License-Identifier: Apache-2.0
--
-- $1 program, $2 partner (null: the vendor asks), $3 id, $4 body, $5 decision, $6 request, $7 row before.

-- Who may stand in the way of a customer. body: partner_id (null: nobody's), country, product_ids, keys.
-- name: deal_candidates
select c.*, (extract(epoch from c.protected_until) * 1000000)::bigint as protected_until_us
from deal_candidates($3, ($4->>'partner_id')::uuid, $4->>'country',
	array(select p::uuid from jsonb_array_elements_text($4->'product_ids') p), $4->'keys') c

-- The places of products that the program does not have, or has no more.
-- name: deal_unknown_products
select (p.place - 1)::int as place from jsonb_array_elements_text($4->'product_ids') with ordinality p(id, place)
where not exists (select from products x where x.program_id = $1 and x.id = p.id::uuid and x.status = 'active')
order by p.place

-- Keeps that somebody asked, and what the answer was; gives the day from which the account is free, in the program's
-- zone. body: what was asked for; decision: entry_id, result, own_deal_id, free_from (null: nobody knows).
-- name: deal_check_note
select audit_append($6, ($5->>'entry_id')::uuid, 'deal.checked', 'deal_check', null, null, $2, '{}',
		jsonb_strip_nulls($4 || jsonb_build_object('result', $5->>'result', 'earliest_free_on', f.free_on,
			'own_deal_id', $5->>'own_deal_id'))) as entry_id,
	f.free_on, program_now() as now
from programs g
cross join lateral (select (($5->>'free_from')::timestamptz at time zone g.zone)::date as free_on) f
where g.id = $1

-- Whether the vendor asks for a partner that there is.
-- name: deal_check_partner
select p.id from partners p where p.program_id = $1 and p.id = coalesce($2, ($4->>'partner_id')::uuid)
