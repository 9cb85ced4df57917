-- SPDX-License-Identifier: Apache-2.0
--
-- The story of a deal and of all that names it, from the first moment on: it does not wait for the sealer as the feed
-- does. status is that of the deal after the entry. A note is told as it reads now, so that what was removed is gone here,
-- too. What is said of one step of an approval, only the vendor reads: it has the id of its event.
create view timeline_entry_shape with (security_invoker = true) as
select
	e.program_id as _program_id,
	e.partner_id as _partner_id,
	e.deal_id as _deal_id,
	e.id,
	'timeline_entry'::text as object,
	e.type,
	e.resource_type as "resource.object",
	e.resource_id as "resource.id",
	e.occurred_at,
	e.actor_type as "actor.type",
	e.actor_id as "actor.id",
	coalesce(u.name, c.name) as "actor.name",
	e.resource_version as version,
	case e.resource_type when 'deal' then e.data->>'status' else (select p.data->>'status' from events p
		where p.program_id = e.program_id and p.resource_id = e.deal_id and p.resource_type = 'deal'
			and (p.occurred_at, p.id) <= (e.occurred_at, e.id)
		order by p.occurred_at desc, p.id desc limit 1) end as status,
	case e.resource_type
		when 'deal' then case e.type when 'deal.info_requested' then e.data->>'info_request'
			when 'deal.step_approved' then (select a.comment from deal_approvals a
				where a.program_id = e.program_id and a.id = e.id)
			when 'deal.lost' then coalesce(e.data->>'lost_reason', e.data->>'lost_reason_key')
			else case when e.data->>'decision_comment' is distinct from e.previous->>'decision_comment'
				and e.previous ? 'decision_comment' then e.data->>'decision_comment' end end
		when 'deal_note' then (select n.body from deal_notes n where n.program_id = e.program_id and n.id = e.resource_id)
		when 'deal_document' then e.data->>'title'
		else coalesce(e.data->>'decision_comment', e.data->>'response', e.data->>'reason', e.data->>'message') end as comment,
	e.decision_id,
	e.resource_type as _flat_type,
	case e.resource_type when 'deal_note' then e.previous - 'body' else e.previous end as "flat:previous"
from events e
left join users u on e.actor_type = 'user' and u.program_id = e.program_id and u.id = e.actor_id
left join api_clients c on e.actor_type = 'client' and c.program_id = e.program_id and c.id = e.actor_id
where (select app_is_vendor()) or e.previous = '{}'
	or exists (select from jsonb_object_keys(e.previous) k(member) where left(k.member, 7) <> 'vendor:');

grant select on timeline_entry_shape to partnerd_app;
