-- SPDX-License-Identifier: Apache-2.0
create view tier_shape with (security_invoker = true) as
select
	t.program_id as _program_id,
	null::uuid as _partner_id,
	t.id,
	'tier'::text as object,
	t.version,
	t.key,
	t.name,
	t.rank,
	t.status,
	t.floor_bps as "margin_band.floor_bps",
	t.base_bps as "margin_band.base_bps",
	t.cap_bps as "margin_band.cap_bps",
	t.benefits,
	t.requirements,
	t.published_at,
	t.created_at,
	t.updated_at,
	t.status as allowed_actions
from tiers t;

grant select on tier_shape to partnerd_app;
