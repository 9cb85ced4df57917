-- SPDX-License-Identifier: Apache-2.0
create view partner_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	p.id as _partner_id,
	coalesce(t.updated_at > p.updated_at, false)
		or coalesce(p.updated_at < p.override_until and p.override_until <= n.now, false) as _is_newer,
	p.id,
	'partner'::text as object,
	p.version,
	p.number,
	p.name,
	p.legal_name,
	p.type,
	p.status,
	p.status_reason,
	p.status_reason_code,
	p.merged_into_id,
	p.ending is not null as is_ending,
	p.tier_id,
	t.key as tier_key,
	t.name as tier_name,
	p.at_risk_since,
	p.failed_reviews,
	o.reason as "tier_override.reason",
	o.starts_at as "tier_override.starts_at",
	o.ends_at as "tier_override.ends_at",
	o.set_by_id as "tier_override.set_by_id",
	p.country,
	p.website,
	p.industries,
	p.languages,
	p.regions,
	p.lead_capacity,
	p.addresses,
	p.external_ids,
	p.custom_fields,
	p.activated_at,
	p.terminated_at,
	p.created_at,
	p.updated_at,
	p.status as allowed_actions
from partners p
left join tiers t on t.program_id = p.program_id and t.id = p.tier_id
cross join lateral (select program_now() as now) n
left join lateral (select p.override_reason as reason, p.override_from as starts_at, p.override_until as ends_at,
	p.override_by_id as set_by_id where p.override_until > n.now) o on true;

grant select on partner_shape to partnerd_app;
