-- SPDX-License-Identifier: Apache-2.0

-- name: program_facts
select g.environment, g.test_now, program_now() as now, (select max(v.cap_bps)
		from tiers t join tier_versions v on v.program_id = t.program_id and v.tier_id = t.id
		where t.program_id = $1 and t.status <> 'retired' and (v.status = 'draft' or (v.status = 'published'
			and (v.valid_until is null or v.valid_until > greatest(v.valid_from, program_now()))))) as highest_cap_bps,
	not $4 ? 'zone' or exists (select from pg_timezone_names z where z.name = $4->>'zone'
		and z.name not in ('Factory', 'localtime', 'posixrules') and z.name !~ '^(posix|right)/') as zone_is_known
from programs g
where g.id = $1

-- The same question for a program that does not exist yet.
-- name: program_zone
select exists (select from pg_timezone_names z where z.name = $4->>'zone'
	and z.name not in ('Factory', 'localtime', 'posixrules') and z.name !~ '^(posix|right)/') as zone_is_known

-- name: program_change
with written as (
	update programs g
	set (name, zone, currency, fiscal_year_start_month, protection_days, extension_days, max_extensions,
		claim_window_hours, urgent_claim_window_hours, margin_cap_bps, tier_notice_days, reapplication_days,
		dispute_evidence_days, dispute_decision_days, dispute_appeal_days,
		distributor_visibility, tier_review_months, tier_grace_reviews, tier_immunity_days, extension_grace_days,
		expiry_notice_days, review_days, second_factor_roles, proration_rate_at,
		test_now)
		= (select r.name, r.zone, r.currency, r.fiscal_year_start_month, r.protection_days, r.extension_days,
			r.max_extensions, r.claim_window_hours, r.urgent_claim_window_hours, r.margin_cap_bps, r.tier_notice_days, r.reapplication_days,
			r.dispute_evidence_days, r.dispute_decision_days, r.dispute_appeal_days,
			r.distributor_visibility, r.tier_review_months, r.tier_grace_reviews, r.tier_immunity_days,
			r.extension_grace_days, r.expiry_notice_days, r.review_days, r.second_factor_roles,
			r.proration_rate_at, r.test_now
			from jsonb_populate_record(g, $5->'set') r),
		attribution_model = coalesce($5->'set'->>'attribution_model', g.attribution_model),
		attribution_window_days = coalesce(($5->'set'->>'attribution_window_days')::int, g.attribution_window_days),
		version = g.version + 1, updated_at = now()
	where g.id = $1 and g.version = ($5->>'expected_version')::int
	returning g.id
)
select assert_written(count(*) filter (where tiers_fit_program())) from written

-- A new program with the tiers of a preset (domain.md §4) and its first admin; made by the operator's command line.
-- $3 is the admin's id, $5 holds tier_ids, password_hash and audit_id.
-- name: program_create
with written as (
	insert into programs (id, slug, name, environment, zone, currency)
	values ($1, $4->>'slug', $4->>'name', $4->>'environment', $4->>'zone', $4->>'currency')
	returning id
), tiers_written as (
	select tiers_from_preset(w.id, $4->>'tiers', $5->'tier_ids', '-infinity') as made from written w
), admin_written as (
	insert into users (program_id, id, email, name, role, password_hash)
	select w.id, $3, lower($4->>'admin_email'), $4->>'admin_name', 'admin', $5->>'password_hash' from written w
)
select assert_written(count(made)), partner_types_preset($1), deal_words_preset($1), audit_append($6, ($5->>'audit_id')::uuid, 'program.created',
	'program', $1, 1, null, '{}', jsonb_build_object('slug', $4->>'slug', 'name', $4->>'name')) from written, tiers_written

-- name: program_by_slug
select g.id, g.slug, g.name, g.environment from programs g where g.slug = $4->>'slug'

-- name: program_list
select g.id, g.slug, g.name, g.environment, g.created_at from programs g order by g.slug
