-- SPDX-License-Identifier: Apache-2.0
--
-- What was granted holds until its end and for the deal as it was then, whatever is stored; once the deal is decided
-- nothing of it changes. Who asked does not decide.
create view special_pricing_request_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	d.partner_id as _partner_id,
	(s.status <> r.status or d.updated_at > r.updated_at or coalesce(p.updated_at > r.updated_at, false)) as _is_newer,
	r.id,
	'special_pricing_request'::text as object,
	r.version,
	s.status,
	r.deal_id,
	d.number as deal_number,
	d.partner_id,
	p.name as partner_name,
	r.requested_margin_bps,
	r.reason,
	r.competitor,
	r.granted_margin_bps,
	r.valid_until,
	r.decision_comment,
	r.decided_by_id as "vendor:decided_by_id",
	r.decided_at,
	r.created_by_id,
	r.created_at,
	r.updated_at,
	s.status || ' -approve@' || r.created_by_id || case when r.status = 'requested'
		or d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold') then '' else ' -withdraw' end
		as allowed_actions
from special_pricing_requests r
join deals d on d.program_id = r.program_id and d.id = r.deal_id
cross join lateral (select case when r.status = 'approved' and (r.valid_until <= (select program_now())
	or r.deal_round <> d.review_round) then 'expired' else r.status end as status) s
left join partners p on p.program_id = d.program_id and p.id = d.partner_id;

grant select on special_pricing_request_shape to partnerd_app;
