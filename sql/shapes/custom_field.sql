-- SPDX-License-Identifier: Apache-2.0
create view custom_field_shape with (security_invoker = true) as
select
	f.program_id as _program_id,
	null::uuid as _partner_id,
	f.id,
	'custom_field'::text as object,
	f.version,
	f.of_object,
	f.key,
	f.label,
	f.description,
	f.kind,
	f.choices,
	f.is_required,
	f.visibility,
	f.status,
	f.created_at,
	f.updated_at,
	f.status as allowed_actions
from custom_fields f
where (select app_is_vendor()) or f.visibility = 'all';

grant select on custom_field_shape to partnerd_app;
