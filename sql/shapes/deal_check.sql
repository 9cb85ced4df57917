-- SPDX-License-Identifier: Apache-2.0
--
-- A question whether an account is free, as the ledger keeps it.
create view deal_check_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	a.id,
	'deal_check'::text as object,
	c.customer_name,
	c.customer_country,
	c.customer_website,
	c.customer_tax_id,
	c.customer_duns,
	c.product_ids,
	c.result,
	c.earliest_free_on,
	c.own_deal_id,
	a.occurred_at as checked_at
from audit_entries a
cross join lateral jsonb_to_record(a.current) c(customer_name text, customer_country text, customer_website text,
	customer_tax_id text, customer_duns text, product_ids jsonb, result text, earliest_free_on text, own_deal_id text)
where a.resource_type = 'deal_check';

grant select on deal_check_shape to partnerd_app;
