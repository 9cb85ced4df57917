-- SPDX-License-Identifier: Apache-2.0
--
-- One partner's review; it never changes.
create view tier_review_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	r.partner_id as _partner_id,
	r.id,
	'tier_review'::text as object,
	1 as version,
	r.evaluation_id,
	r.partner_id,
	p.name as partner_name,
	r.outcome,
	r.from_tier_id,
	f.name as from_tier_name,
	r.to_tier_id,
	t.name as to_tier_name,
	r.earned_tier_id,
	e.name as earned_tier_name,
	r.failed_reviews,
	r.tiers,
	r.decision_id,
	r.reviewed_at
from tier_reviews r
join partners p on p.program_id = r.program_id and p.id = r.partner_id
left join tiers f on f.program_id = r.program_id and f.id = r.from_tier_id
left join tiers t on t.program_id = r.program_id and t.id = r.to_tier_id
left join tiers e on e.program_id = r.program_id and e.id = r.earned_tier_id;

grant select on tier_review_shape to partnerd_app;
