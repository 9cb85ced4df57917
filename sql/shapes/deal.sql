-- SPDX-License-Identifier: Apache-2.0
--
-- An approved deal whose protection has ended reads as expired from that instant on; the job that stores it only writes
-- the event (domain.md §5.6). _status is what is stored, for filters that need an index, as are the ids of words. Whether
-- this caller may approve is asked of the rule (api/deal_approvals.c) where the program has steps, where a special price is
-- being asked for, and where there is no tier to take the margin from. All that an action depends on is in the rows that are
-- joined here anyway.
create view deal_shape with (security_invoker = true) as
select
	d.program_id as _program_id,
	d.partner_id as _partner_id,
	d.status as _status,
	d.customer_name_key as _customer_name_key,
	d.stage_id as _stage_id,
	d.lost_reason_id as _lost_reason_id,
	(s.status <> d.status or s.is_overdue or coalesce(p.updated_at > d.updated_at, false)
		or coalesce(t.updated_at > d.updated_at, false)
		or coalesce(w.updated_at > d.updated_at, false) or coalesce(d.beside_at >= d.updated_at, false)
		or (d.status in ('submitted', 'in_review') and coalesce(g.approval_asked_until >= d.updated_at, false))
		or (d.status = 'approved' and coalesce(g.updated_at > d.updated_at, false)))
		as _is_newer,
	d.id,
	'deal'::text as object,
	d.version,
	d.number,
	s.status,
	d.partner_id,
	p.name as partner_name,
	d.customer_name,
	d.customer_country,
	d.customer_website,
	d.customer_tax_id,
	d.customer_duns,
	d.customer_contact_name,
	d.customer_contact_email,
	d.amount_minor as "amount.amount_minor",
	d.currency as "amount.currency",
	d.expected_close_on,
	d.description,
	to_jsonb(d.product_ids) as product_ids,
	d.line_items,
	d.external_ids,
	d.custom_fields,
	nullif(d.vendor_custom_fields, '{}') as "vendor:vendor_custom_fields",
	d.terms,
	d.quote_id,
	d.tier_id,
	t.name as tier_name,
	d.earns,
	d.commission_bps,
	d.margin_bps,
	d.margin_minor as "margin_amount.amount_minor",
	case when d.margin_minor is not null then d.currency end as "margin_amount.currency",
	case when d.distributor_id is not null then jsonb_build_object('distributor_id', d.distributor_id, 'distributor_override',
		jsonb_build_object('amount_minor', d.distributor_override_minor, 'currency', d.currency)) end as "vendor:channel",
	d.margin_decision_id,
	d.submitted_at,
	d.decided_at,
	d.decision_comment,
	d.review_note as "vendor:review_note",
	d.customer_match as "vendor:customer_match",
	d.info_request,
	d.protection_starts_at,
	d.protection_expires_at,
	d.protected_until,
	d.review_due_at,
	case when s.is_overdue then d.review_due_at end as "vendor:review_escalated_at",
	d.closed_on,
	d.closed_at,
	d.actual_amount_minor as "actual_amount.amount_minor",
	case when d.actual_amount_minor is not null then d.currency end as "actual_amount.currency",
	round(d.actual_amount_minor * d.margin_bps / 10000.0)::bigint as "actual_margin_amount.amount_minor",
	case when d.actual_amount_minor is not null and d.margin_bps is not null then d.currency end
		as "actual_margin_amount.currency",
	d.worth_minor as "program_amount.amount_minor",
	case when d.worth_minor is not null then d.worth_currency end as "program_amount.currency",
	d.worth_conversion as program_amount_conversion,
	d.lost_reason,
	l.key as lost_reason_key,
	w.key as stage_key,
	w.name as stage_name,
	w.probability_bps as stage_probability_bps,
	d.stage_entered_at,
	d.next_step,
	d.next_step_due_on,
	d.owner_id,
	d.created_by_id,
	d.created_at,
	d.updated_at,
	s.status || case when p.status = 'active' then '' else ' held' end || case when d.status in ('submitted', 'in_review')
		and (d.asks_price or p.tier_id is null or g.approval_asked_until = 'infinity') then ' ?approve' else '' end
		|| case when d.protection_grace_until is not null or g.extension_days = 0 or d.extensions >= g.max_extensions
			then ' -extend' else '' end
		|| case when d.status = 'rejected' and d.upheld_by is null then ' -reopen' else '' end
		|| case when d.asks_price then ' -request-special-price' else '' end as allowed_actions
from deals d
left join programs g on g.id = d.program_id
cross join lateral (select coalesce(g.test_now, now()) as now) n -- program_now(), from the row that is joined anyway
cross join lateral (select case when d.status = 'approved' and d.protected_until <= n.now then 'expired' else d.status end
	as status, coalesce(d.review_due_at <= n.now, false) as is_overdue) s
left join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join tiers t on t.program_id = d.program_id and t.id = d.tier_id
left join deal_stages w on w.program_id = d.program_id and w.id = d.stage_id
left join lost_reasons l on l.program_id = d.program_id and l.id = d.lost_reason_id;

grant select on deal_shape to partnerd_app;
