-- SPDX-License-Identifier: Apache-2.0
create view identity_provider_shape with (security_invoker = true) as
select
	i.program_id as _program_id,
	null::uuid as _partner_id,
	coalesce(p.updated_at > i.updated_at, false) or coalesce(i.checked_at > i.updated_at, false) as _is_newer,
	i.id,
	'identity_provider'::text as object,
	i.version,
	i.name,
	i.issuer,
	i.audience,
	i.status,
	i.accepts_plain_jwt,
	i.uses_token_scopes,
	i.asserts_second_factor,
	i.matches_verified_email,
	i.creates_users,
	i.role_claim,
	i.role_rules,
	i.default_role,
	i.partner_id,
	p.name as partner_name,
	i.partner_claim,
	i.keys_read_at,
	i.fault,
	i.created_at,
	i.updated_at,
	i.status as allowed_actions
from identity_providers i
left join partners p on p.program_id = i.program_id and p.id = i.partner_id;

grant select on identity_provider_shape to partnerd_app;
