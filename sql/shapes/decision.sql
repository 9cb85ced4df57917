-- SPDX-License-Identifier: Apache-2.0
create view decision_shape with (security_invoker = true) as
select
	d.program_id as _program_id,
	d.partner_id as _partner_id,
	d.id,
	'decision'::text as object,
	d.kind,
	d.resource_type as "resource.object",
	d.resource_id as "resource.id",
	d.partner_id,
	d.rule_set,
	d.rule_set_version,
	d.steps,
	d.outcome,
	d.inputs as "vendor:inputs",
	d.created_at
from decisions d;

grant select on decision_shape to partnerd_app;
