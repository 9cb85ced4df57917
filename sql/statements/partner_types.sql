-- SPDX-License-Identifier: Apache-2.0

-- The tier that new partners of the type are to start in (null columns: there is none), and whether the agreement they
-- are to accept is published.
-- name: partner_type_facts
select exists (select from agreement_templates a where a.program_id = g.id and a.key = $4->>'agreement_key'
		and a.status = 'published') as has_agreement, t.id as tier_id,
	case when t.status = 'published' and v.terms_id is null then 'scheduled' else t.status end as tier_status
from programs g
left join tiers t on t.program_id = g.id and t.id = ($4->>'default_tier_id')::uuid
left join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
where g.id = $1

-- name: partner_type_change
with tier as (
	select t.id from tiers t
	where t.program_id = $1 and t.id = ($5->'set'->>'default_tier_id')::uuid and t.status = 'published'
	for share
), written as (
	update partner_types y
	set (name, earns, commission_bps, default_tier_id, protection_days, agreement_key)
		= (select r.name, r.earns, r.commission_bps, r.default_tier_id, r.protection_days, r.agreement_key
			from jsonb_populate_record(y, $5->'set') r),
		version = y.version + 1, updated_at = program_now()
	where y.program_id = $1 and y.id = $3 and y.version = ($5->>'expected_version')::int
		and ($5->'set'->>'default_tier_id' is null or exists (select from tier))
	returning y.id
)
select assert_written(count(*)) from written
