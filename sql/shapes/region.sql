-- SPDX-License-Identifier: Apache-2.0
create view region_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	null::uuid as _partner_id,
	exists (select from regions a where a.program_id = r.program_id
		and a.key = any (string_to_array(r.parent_path, '/')) and a.updated_at >= r.updated_at) as _is_newer,
	r.path as _path,
	r.id,
	'region'::text as object,
	r.version,
	r.key,
	r.name,
	r.status,
	r.parent_id,
	rtrim(r.path, '/') as path,
	to_jsonb(array(select c.country from region_countries c
		where c.program_id = r.program_id and c.region_id = r.id order by c.country)) as countries,
	r.created_at,
	r.updated_at,
	r.status as allowed_actions
from regions r;

grant select on region_shape to partnerd_app;
