-- SPDX-License-Identifier: Apache-2.0
create view product_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	null::uuid as _partner_id,
	p.id,
	'product'::text as object,
	p.version,
	p.key,
	p.name,
	p.description,
	p.kind,
	p.unit,
	p.status,
	p.created_at,
	p.updated_at,
	p.status as allowed_actions
from products p;

grant select on product_shape to partnerd_app;
