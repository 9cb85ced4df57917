-- SPDX-License-Identifier: Apache-2.0

-- The deal that the dispute shall be about, behind the walls, and an open dispute about it.
-- name: dispute_open_facts
select l.id as deal_id, l.partner_id, l.submitted_at is not null as is_submitted,
	(select p.dispute_id from dispute_parties p join disputes d on d.program_id = p.program_id and d.id = p.dispute_id
		where p.program_id = $1 and p.deal_id = l.id and p.partner_id = l.partner_id and p.role = 'claimant'
			and d.status <> 'closed' limit 1) as open_id
from programs g
left join deals l on l.program_id = g.id and l.id = ($4->>'deal_id')::uuid and ($2 is null or l.partner_id = $2)
where g.id = $1

-- name: dispute_open
select assert_written(dispute_open($1, $3, $4, $5, $6))

-- Where the dispute stands, which side it is that asks (null: the vendor), and until when things would run that begin now:
-- calendar days in the program's zone.
-- name: dispute_facts
select s.status, s.phase, s.partner_id, case when $2 is not null then s.role end as own_role, n.now,
	f.partner_id as respondent_partner_id, f.deal_id as respondent_deal_id,
	d.evidence_due_at, d.appeal_due_at, d.unfinished, d.decided_by_id, d.outcome,
	c.finished_at as claimant_finished_at, f.finished_at as respondent_finished_at,
	local_days_later(n.now, coalesce(($4->>'evidence_days')::int, g.dispute_evidence_days), g.zone) as evidence_until,
	local_days_later(n.now, coalesce(($4->>'evidence_days')::int, g.dispute_evidence_days) + g.dispute_decision_days, g.zone)
		as decision_until,
	local_days_later(n.now, g.dispute_decision_days, g.zone) as appeal_decision_until,
	local_days_later(n.now, coalesce(($4->>'appeal_days')::int, g.dispute_appeal_days), g.zone) as appeal_until,
	o.id as other_deal_id, o.partner_id as other_partner_id, o.submitted_at is not null as other_is_submitted
from dispute_shape s
join disputes d on d.program_id = s._program_id and d.id = s.id
join programs g on g.id = d.program_id
cross join (select program_now() as now) n
left join dispute_parties c on c.program_id = d.program_id and c.dispute_id = d.id and c.role = 'claimant'
left join dispute_parties f on f.program_id = d.program_id and f.dispute_id = d.id and f.role = 'respondent'
left join deals o on o.program_id = d.program_id and o.id = ($4->>'respondent_deal_id')::uuid and $2 is null
where s._program_id = $1 and s.id = $3 and ($2 is null or s._partner_id = $2)

-- What a decision leans on beyond that: when each side laid claim to the account, by the chain, and what was frozen.
-- name: dispute_decision_facts
select s.status, s.phase, s.partner_id, n.now, d.decided_by_id, d.outcome, d.rule,
	local_days_later(n.now, coalesce(($4->>'appeal_days')::int, g.dispute_appeal_days), g.zone) as appeal_until,
	deal_claim_seq(c.deal_id) as claimant_sequence, deal_claim_seq(f.deal_id) as respondent_sequence,
	c.deal_id as claimant_deal_id, f.deal_id as respondent_deal_id,
	(select jsonb_object_agg(b.audience, b.sha256) from dispute_bundles b where b.program_id = $1 and b.dispute_id = d.id)
		as bundles
from dispute_shape s
join disputes d on d.program_id = s._program_id and d.id = s.id
join programs g on g.id = d.program_id
cross join (select program_now() as now) n
join dispute_parties c on c.program_id = d.program_id and c.dispute_id = d.id and c.role = 'claimant'
left join dispute_parties f on f.program_id = d.program_id and f.dispute_id = d.id and f.role = 'respondent'
where s._program_id = $1 and s.id = $3

-- name: dispute_change
select assert_written(dispute_change($1, $3, $5, $6))

-- name: dispute_evidence_facts
select s.id as dispute_id, s.status, s.phase, case when $2 is not null then s.role end as own_role,
	s."vendor:respondent_partner_id" is not null as has_respondent,
	(select count(*) from dispute_evidence e where e.program_id = $1 and e.dispute_id = s.id
		and e.submitted_by = case when $2 is null then 'vendor' else s.role end) as submitted,
	f.id as file_id, f.status as file_status, f.used_by_id as file_used_by_id, f.partner_id as file_partner_id,
	(select p.partner_id from dispute_parties p where p.program_id = $1 and p.dispute_id = s.id
		and p.role = case when $2 is null then $4->>'audience' else s.role end) as reader_id
from programs g
left join dispute_shape s on s._program_id = g.id and s.id = ($4->>'dispute_id')::uuid and ($2 is null or s._partner_id = $2)
left join files f on f.program_id = g.id and f.id = ($4->>'file_id')::uuid and ($2 is null or f.partner_id = $2)
where g.id = $1

-- name: dispute_submit
select assert_written(dispute_submit($1, $3, $4, $5, $6))

-- Disputes whose time for evidence is over, or whose decision is late.
-- name: job_disputes_due
(select d.id from disputes d
	where d.program_id = $1 and d.status = 'evidence' and d.evidence_closed_at is null
		and (d.evidence_due_at <= program_now() or d.unfinished = 0) and not job_rests($1, 'disputes', d.id)
	order by d.evidence_due_at, d.id limit ($5->>'batch')::int)
union
(select d.id from disputes d
	where d.program_id = $1 and d.status in ('evidence', 'appealed') and d.overdue_at is null
		and d.decision_due_at <= program_now() and not job_rests($1, 'disputes', d.id)
	order by d.decision_due_at, d.id limit ($5->>'batch')::int)

-- name: job_disputes
select disputes_advance($6, job_ids($5)) as moved

-- Disputes whose evidence is closed, and sealed and signed with everything before it, but that have no bundles yet.
-- name: job_unbundled
select d.id, exists (select from dispute_parties p where p.program_id = d.program_id and p.dispute_id = d.id
	and p.role = 'respondent') as has_respondent
from disputes d
where d.program_id = $1 and d.status = 'evidence' and d.evidence_closed_at is not null and d.bundled_at is null
	and dispute_closing_seq(d.id) is not null and not job_rests($1, 'bundles', d.id)
order by d.evidence_closed_at, d.id limit ($5->>'batch')::int

-- name: dispute_bundle_lines
select l.line, l.signature from dispute_bundle_lines($3, $4->>'audience') l

-- name: job_bundle
select dispute_bundles_keep($6, $5) as is_kept

-- The bundle of the caller's side; the vendor has its own and may read the parties', whose eyes it may have to be.
-- name: dispute_bundle
select s.number, a.audience, b.content
from dispute_shape s
cross join lateral (select case when $2 is not null then s.role else coalesce($4->>'audience', 'vendor') end as audience) a
left join dispute_bundles b on b.program_id = s._program_id and b.dispute_id = s.id and b.audience = a.audience
where s._program_id = $1 and s.id = $3 and ($2 is null or s._partner_id = $2)
