-- SPDX-License-Identifier: Apache-2.0
--
-- What was submitted, and how it changed since: every state of a deal's content from the first submission on, read from
-- the deal's events. A submission is one whether it changes anything or not; another event only when it does.
create view deal_revision_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	r.partner_id as _partner_id,
	r.resource_id as _resource_id,
	r.id,
	'deal_revision'::text as object,
	row_number() over (partition by r.program_id, r.resource_id order by r.resource_version) as number,
	case when r.type <> 'deal.submitted' and r.before is not null then 'edited'
		when r.before is null then 'submitted' else 'resubmitted' end as kind,
	r.resource_version as deal_version,
	r.actor_type as "actor.type",
	r.actor_id as "actor.id",
	coalesce(u.name, c.name) as "actor.name",
	case when r.type = 'deal.submitted' and r.before is not null then r.data->>'info_request' end as info_request,
	'deal'::text as _flat_type,
	jsonb_build_object('previous', case when r.before is null then '{}' else flat_difference(r.before, r.content) end,
		'current', case when r.before is null then '{}' else flat_difference(r.content, r.before) end) as "changes:changes",
	jsonb_build_object('previous', case when r.submitted is null then '{}' else flat_difference(r.submitted, r.content) end,
		'current', case when r.submitted is null then '{}' else flat_difference(r.content, r.submitted) end)
		as "changes:changes_since_submission",
	r.occurred_at as created_at
from (
	-- What was submitted last is what the first after a submission comes after.
	select c.*, first_value(c.before) over (partition by c.program_id, c.resource_id, c.submissions
		order by c.resource_version) as submitted
	from (
		select e.program_id, e.partner_id, e.resource_id, e.id, e.type, e.resource_version, e.actor_type, e.actor_id, e.data,
			e.occurred_at, v.content, lag(v.content) over w as before,
			count(*) filter (where e.type = 'deal.submitted') over (w rows between unbounded preceding and 1 preceding)
				as submissions
		from events e
		cross join lateral (select jsonb_object_agg(m.key, m.value) as content from jsonb_each(e.data) m
			where starts_with(m.key, 'customer_') or m.key in ('amount.amount_minor', 'amount.currency', 'expected_close_on',
				'description', 'product_ids', 'line_items', 'external_ids', 'custom_fields', 'terms', 'quote_id')) v
		where e.resource_type = 'deal' and e.data->>'status' <> 'draft'
		window w as (partition by e.program_id, e.resource_id order by e.resource_version)
	) c
) r
left join users u on r.actor_type = 'user' and u.program_id = r.program_id and u.id = r.actor_id
left join api_clients c on r.actor_type = 'client' and c.program_id = r.program_id and c.id = r.actor_id
where r.before is null or r.type = 'deal.submitted' or r.content <> r.before;

grant select on deal_revision_shape to partnerd_app;
