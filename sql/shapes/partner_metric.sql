-- SPDX-License-Identifier: Apache-2.0
create view partner_metric_shape with (security_invoker = true) as
select
	m.program_id as _program_id,
	m.partner_id as _partner_id,
	m.id,
	'partner_metric'::text as object,
	case when m.superseded_at is null then 1 else 2 end as version,
	m.partner_id,
	p.name as partner_name,
	m.metric,
	m.value,
	m.measured_at,
	m.source,
	case when m.superseded_at is null then 'current' else 'superseded' end as status,
	m.superseded_at,
	m.recorded_by_id as "vendor:recorded_by_id",
	m.created_at
from partner_measurements m
join partners p on p.program_id = m.program_id and p.id = m.partner_id;

grant select on partner_metric_shape to partnerd_app;
