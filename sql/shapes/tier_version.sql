-- SPDX-License-Identifier: Apache-2.0
create view tier_version_shape with (security_invoker = true) as
select
	v.program_id as _program_id,
	null::uuid as _partner_id,
	v.id,
	'tier_version'::text as object,
	v.tier_id,
	v.number as terms_version,
	case when v.status <> 'published' then v.status
		when v.valid_until = v.valid_from then 'replaced'
		when v.valid_until <= n.now then 'ended'
		when v.valid_from > n.now then 'upcoming'
		else 'in_force' end as status,
	v.floor_bps as "margin_band.floor_bps",
	v.base_bps as "margin_band.base_bps",
	v.cap_bps as "margin_band.cap_bps",
	v.benefits,
	v.requirements,
	v.valid_from,
	v.valid_until,
	v.published_at as announced_at,
	v.published_by_id as "vendor:published_by_id",
	v.decision_id as "vendor:decision_id",
	v.created_at
from tier_versions v
cross join lateral (select program_now() as now) n;

grant select on tier_version_shape to partnerd_app;
