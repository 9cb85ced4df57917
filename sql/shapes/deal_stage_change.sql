-- SPDX-License-Identifier: Apache-2.0
--
-- A stay in a stage, with its end: the next one, or null while it lasts. Leaving all stages is no stay.
create view deal_stage_change_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	d.partner_id as _partner_id,
	c.deal_id as _deal_id,
	c.id,
	'deal_stage_change'::text as object,
	s.key as stage_key,
	s.name as stage_name,
	c.entered_at,
	(select min(n.entered_at) from deal_stage_changes n where n.program_id = c.program_id and n.deal_id = c.deal_id
		and (n.entered_at, n.id) > (c.entered_at, c.id)) as left_at
from deal_stage_changes c
join deals d on d.program_id = c.program_id and d.id = c.deal_id
join deal_stages s on s.program_id = c.program_id and s.id = c.stage_id;

grant select on deal_stage_change_shape to partnerd_app;
