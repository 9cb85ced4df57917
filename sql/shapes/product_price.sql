-- SPDX-License-Identifier: Apache-2.0
--
-- A published price is planned until its beginning has come, then in force until that of the next one has.
create view product_price_shape with (security_invoker = true) as
select
	v.program_id as _program_id,
	null::uuid as _partner_id,
	s.status <> v.status as _is_newer,
	v.id,
	'product_price'::text as object,
	v.version,
	v.product_id,
	p.key as product_key,
	v.unit_amount_minor as "unit_amount.amount_minor",
	v.currency as "unit_amount.currency",
	v.volume_mode,
	v.volume_bands,
	v.warnings as "vendor:warnings",
	s.status,
	v.valid_from,
	v.created_at,
	v.updated_at,
	s.status as allowed_actions
from product_prices v
join products p on p.program_id = v.program_id and p.id = v.product_id
cross join lateral (select case
	when v.status = 'withdrawn' then 'withdrawn'
	when v.valid_from > (select program_now()) then 'planned'
	when exists (select from product_prices w where w.program_id = v.program_id and w.product_id = v.product_id
		and w.currency = v.currency and w.status = 'published' and w.valid_from > v.valid_from
		and w.valid_from <= (select program_now())) then 'past'
	else 'in_force' end as status) s;

grant select on product_price_shape to partnerd_app;
