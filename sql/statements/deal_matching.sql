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
