-- SPDX-License-Identifier: Apache-2.0
create view mail_shape with (security_invoker = true) as
select
	m.program_id as _program_id,
	null::uuid as _partner_id,
	m.id,
	'mail'::text as object,
	m.version,
	m.kind,
	m.user_id,
	m.status,
	m.attempts,
	m.expires_at,
	m.sent_at,
	m.created_at,
	m.updated_at
from mails m;

grant select on mail_shape to partnerd_app;
