-- SPDX-License-Identifier: Apache-2.0
--
-- Who took much out at once, as the ledger keeps it.
create view export_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	a.id,
	'export'::text as object,
	c.format,
	c.filters,
	a.occurred_at as exported_at
from audit_entries a
cross join lateral jsonb_to_record(a.current) c(format text, filters jsonb)
where a.resource_type = 'export';

grant select on export_shape to partnerd_app;
