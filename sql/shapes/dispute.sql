-- SPDX-License-Identifier: Apache-2.0
--
-- A dispute has a row for each side, of which a partner is shown its own and the vendor the claimant's. The phase is the
-- status with what the clock and the papers make of it: evidence that is over reads as closed before the job has stored
-- it. The respondent may do everything but withdraw: the state it is offered actions for is said to be held. A partner
-- finishes its evidence once, and who has decided does not decide the appeal.
create view dispute_side with (security_invoker = true) as
select
	d.program_id as _program_id,
	p.partner_id as _partner_id,
	(s.phase in ('evidence_closed', 'final') or coalesce(o.updated_at > d.updated_at, false)
		or coalesce(c.updated_at > d.updated_at, false) or coalesce(l.updated_at > d.updated_at, false)
		or coalesce(h.updated_at > d.updated_at, false)) as _is_newer,
	d.id,
	'dispute'::text as object,
	d.version,
	d.number,
	d.status,
	s.phase,
	p.role,
	p.partner_id,
	o.name as partner_name,
	p.deal_id,
	l.number as deal_number,
	r.partner_id as "vendor:respondent_partner_id",
	c.name as "vendor:respondent_partner_name",
	r.deal_id as "vendor:respondent_deal_id",
	d.ground,
	d.opened_by,
	p.statement,
	p.desired_outcome,
	d.evidence_due_at,
	p.finished_at,
	d.evidence_closed_at,
	d.bundled_at,
	b.sha256 as bundle_sha256,
	v.sha256 as "vendor:vendor_bundle_sha256",
	d.decision_due_at,
	d.overdue_at,
	d.outcome,
	d.rule,
	d.rule_reference,
	d.decision_reason,
	case when p.role = 'claimant' then d.decision_id end as decision_id,
	d.decided_at,
	d.decided_by_id as "vendor:decided_by_id",
	d.appeal_due_at,
	d.appealed_at,
	d.appealed_by,
	p.appeal_reason,
	case when p.role = 'claimant' then r.appeal_reason end as "vendor:respondent_appeal_reason",
	d.appeal_outcome,
	d.appeal_rule,
	d.appeal_rule_reference,
	d.appeal_decision_reason,
	case when p.role = 'claimant' then d.appeal_decision_id end as appeal_decision_id,
	d.internal_note as "vendor:internal_note",
	case when u.is_upheld then jsonb_build_object('action', u.action,
		'deal_id', case u.action when 'reopen' then p.deal_id else r.deal_id end) end as "vendor:next_step",
	d.resolution,
	d.closed_at,
	case when p.role = 'claimant' then d.created_by_id end as created_by_id,
	d.created_at,
	d.updated_at,
	s.phase || case when p.role = 'respondent' then ' held' else '' end
		|| case when p.finished_at is not null then ' -finish-evidence@partner' else '' end
		|| coalesce(' -decide@' || case when s.phase = 'appealed' then d.decided_by_id end, '') as allowed_actions
from disputes d
join dispute_parties p on p.program_id = d.program_id and p.dispute_id = d.id
left join dispute_parties r on r.program_id = d.program_id and r.dispute_id = d.id and r.role = 'respondent'
left join partners o on o.program_id = p.program_id and o.id = p.partner_id
left join partners c on c.program_id = r.program_id and c.id = r.partner_id
left join dispute_bundles b on b.program_id = d.program_id and b.dispute_id = d.id and b.audience = p.role
left join dispute_bundles v on v.program_id = d.program_id and v.dispute_id = d.id and v.audience = 'vendor'
left join deals l on l.program_id = p.program_id and l.id = p.deal_id
left join deals h on h.program_id = r.program_id and h.id = r.deal_id
cross join lateral (select p.role = 'claimant' and l.status = 'rejected' and l.upheld_by = d.id as is_upheld,
	case when h.status = 'approved' and h.protected_until > (select program_now()) then 'cancel'
		when h.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold') then 'reject' else 'reopen' end as action) u
cross join lateral (select case
	when d.status = 'evidence' and d.bundled_at is not null then 'frozen'
	when d.status = 'evidence' and (d.evidence_closed_at is not null or d.unfinished = 0
		or d.evidence_due_at <= (select program_now())) then 'evidence_closed'
	when d.status = 'decided' and d.appeal_due_at <= (select program_now()) then 'final'
	else d.status end as phase) s;

grant select on dispute_side to partnerd_app;

-- A partner that is both sides, after a merge, goes on as the claimant.
create view dispute_shape with (security_invoker = true) as
select s.* from dispute_side s
where s.role = 'claimant' or not ((select app_is_vendor()) or exists (select from dispute_parties p
	where p.program_id = s._program_id and p.dispute_id = s.id and p.role = 'claimant' and p.partner_id = s._partner_id));

grant select on dispute_shape to partnerd_app;
