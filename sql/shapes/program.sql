-- SPDX-License-Identifier: Apache-2.0
create view program_shape with (security_invoker = true) as
select
	p.id as _program_id,
	null::uuid as _partner_id,
	p.id,
	'program'::text as object,
	p.version,
	p.slug,
	p.name,
	p.environment,
	p.zone,
	p.currency,
	p.fiscal_year_start_month,
	p.protection_days,
	p.extension_days,
	p.max_extensions,
	p.extension_grace_days,
	to_jsonb(p.expiry_notice_days) as expiry_notice_days,
	p.review_days,
	p.claim_window_hours,
	p.urgent_claim_window_hours,
	p.margin_cap_bps,
	p.tier_notice_days,
	p.reapplication_days,
	p.distributor_visibility,
	p.tier_review_months,
	p.tier_grace_reviews,
	p.tier_immunity_days,
	p.proration_rate_at,
	p.attribution_model,
	p.attribution_window_days,
	to_jsonb(p.second_factor_roles) as second_factor_roles,
	p.test_now as test_now_at,
	p.created_at,
	p.updated_at
from programs p;

grant select on program_shape to partnerd_app;
