-- SPDX-License-Identifier: Apache-2.0
--
-- While a job is at work the counts move without a new version.
create view import_shape with (security_invoker = true) as
select
	i.program_id as _program_id,
	i.partner_id as _partner_id,
	i.status in ('validating', 'running', 'cancelled') as _is_newer,
	i.id,
	'import'::text as object,
	i.version,
	i.status,
	i.partner_id,
	i.file_id,
	i.format,
	i.external_source,
	i.skips_unknown_columns,
	i.size_bytes,
	i.read_bytes,
	i.rows_total,
	i.rows_valid,
	i.rows_invalid,
	i.rows_registered,
	i.rows_existing,
	i.rows_failed,
	i.problem,
	i.validated_at,
	i.started_at,
	i.finished_at,
	i.created_by_id,
	i.created_at,
	i.updated_at,
	i.status as allowed_actions
from imports i;

grant select on import_shape to partnerd_app;
