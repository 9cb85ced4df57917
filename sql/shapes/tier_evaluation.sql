-- SPDX-License-Identifier: Apache-2.0
create view tier_evaluation_shape with (security_invoker = true) as
select
	e.program_id as _program_id,
	null::uuid as _partner_id,
	e.id,
	'tier_evaluation'::text as object,
	e.version,
	e.kind,
	e.status,
	e.period_on,
	e.reviewed_count,
	e.upgraded_count,
	e.downgraded_count,
	e.at_risk_count,
	e.started_by_type as "started_by.type",
	e.started_by_id as "started_by.id",
	e.created_at,
	e.completed_at
from tier_evaluations e;

grant select on tier_evaluation_shape to partnerd_app;
