-- SPDX-License-Identifier: Apache-2.0
create view api_request_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	r.partner_id as _partner_id,
	r.actor_id as _actor_id,
	r.id,
	'api_request'::text as object,
	r.requested_at,
	r.method,
	r.route,
	r.status,
	r.problem_code,
	r.duration_ms,
	r.address
from api_requests r;

grant select on api_request_shape to partnerd_app;
