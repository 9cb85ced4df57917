-- SPDX-License-Identifier: Apache-2.0
create view form_key_shape with (security_invoker = true) as
select
	k.program_id as _program_id,
	null::uuid as _partner_id,
	k.id,
	'form_key'::text as object,
	k.version,
	k.name,
	k.public_key,
	k.allowed_origins,
	k.partner_types,
	k.daily_limit,
	k.status,
	k.revoked_at,
	k.created_by_id,
	k.created_at,
	k.updated_at,
	k.status as allowed_actions
from form_keys k;

grant select on form_key_shape to partnerd_app;
