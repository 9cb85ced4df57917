-- SPDX-License-Identifier: Apache-2.0
create view file_shape with (security_invoker = true) as
select
	f.program_id as _program_id,
	f.partner_id as _partner_id,
	f.id,
	'file'::text as object,
	f.version,
	f.status,
	f.name,
	f.media_type,
	f.size_bytes,
	f.sha256,
	f.partner_id,
	f.used_by_object as "used_by.object",
	f.used_by_id as "used_by.id",
	f.stored_at,
	f.created_by_id,
	f.created_at,
	f.updated_at
from files f;

grant select on file_shape to partnerd_app;
