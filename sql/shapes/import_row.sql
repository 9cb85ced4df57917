-- SPDX-License-Identifier: Apache-2.0
create view import_row_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	i.partner_id as _partner_id,
	r.import_id as _import_id,
	r.id,
	'import_row'::text as object,
	r.line,
	r.status,
	r.body as input,
	r.deal_id,
	r.problem
from import_rows r
join imports i on i.program_id = r.program_id and i.id = r.import_id;

grant select on import_row_shape to partnerd_app;
