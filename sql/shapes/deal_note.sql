-- SPDX-License-Identifier: Apache-2.0
--
-- Of the vendor's people and machines a partner's side sees no names: the walls keep them away.
create view deal_note_shape with (security_invoker = true) as
select
	n.program_id as _program_id,
	case when n.visibility = 'shared' then d.partner_id end as _partner_id,
	n.id,
	'deal_note'::text as object,
	n.version,
	n.deal_id,
	n.visibility,
	n.body,
	case when n.is_by_vendor then 'vendor' else 'partner' end as written_by,
	coalesce(u.name, c.name) as author_name,
	n.removed_at,
	n.created_by_id,
	n.created_at,
	n.updated_at
from deal_notes n
join deals d on d.program_id = n.program_id and d.id = n.deal_id
left join users u on u.program_id = n.program_id and u.id = n.created_by_id
left join api_clients c on c.program_id = n.program_id and c.id = n.created_by_id;

grant select on deal_note_shape to partnerd_app;
