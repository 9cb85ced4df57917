-- SPDX-License-Identifier: Apache-2.0
--
-- The story of one resource, from the first moment on: it does not wait for the sealer as the feed does.
create view timeline_entry_shape with (security_invoker = true) as
select
	e.program_id as _program_id,
	e.partner_id as _partner_id,
	e.resource_id as _resource_id,
	e.resource_type as _resource_type,
	e.id,
	'timeline_entry'::text as object,
	e.type,
	e.occurred_at,
	e.actor_type as "actor.type",
	e.actor_id as "actor.id",
	coalesce(u.name, c.name) as "actor.name",
	e.resource_version as version,
	e.data->>'status' as status,
	case e.type when 'deal.info_requested' then e.data->>'info_request' when 'deal.lost' then e.data->>'lost_reason'
		else case when e.data->>'decision_comment' is distinct from e.previous->>'decision_comment'
			and e.previous ? 'decision_comment' then e.data->>'decision_comment' end end as comment,
	e.decision_id,
	e.resource_type as _flat_type,
	e.previous as "flat:previous"
from events e
left join users u on e.actor_type = 'user' and u.program_id = e.program_id and u.id = e.actor_id
left join api_clients c on e.actor_type = 'client' and c.program_id = e.program_id and c.id = e.actor_id
where (select app_is_vendor()) or e.previous = '{}'
	or exists (select from jsonb_object_keys(e.previous) k(member) where left(k.member, 7) <> 'vendor:');

grant select on timeline_entry_shape to partnerd_app;
