-- SPDX-License-Identifier: Apache-2.0
create view partner_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	p.id as _partner_id,
	coalesce(t.updated_at > p.updated_at, false) as _is_newer,
	p.id,
	'partner'::text as object,
	p.version,
	p.number,
	p.name,
	p.legal_name,
	p.type,
	p.status,
	p.status_reason,
	p.tier_id,
	t.key as tier_key,
	t.name as tier_name,
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
left join tiers t on t.program_id = p.program_id and t.id = p.tier_id;

grant select on partner_shape to partnerd_app;
