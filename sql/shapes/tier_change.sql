-- SPDX-License-Identifier: Apache-2.0
create view tier_change_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	c.id,
	'tier_change'::text as object,
	c.partner_id,
	c.from_tier_id,
	f.name as from_tier_name,
	c.to_tier_id,
	t.name as to_tier_name,
	c.reason,
	c.changed_by_id,
	c.effective_at
from partner_tier_changes c
left join tiers f on f.program_id = c.program_id and f.id = c.from_tier_id
left join tiers t on t.program_id = c.program_id and t.id = c.to_tier_id;

grant select on tier_change_shape to partnerd_app;
