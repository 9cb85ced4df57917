-- SPDX-License-Identifier: Apache-2.0
create view agreement_template_shape with (security_invoker = true) as
select
	t.program_id as _program_id,
	null::uuid as _partner_id,
	t.id,
	'agreement_template'::text as object,
	t.version,
	t.key,
	t.edition,
	t.title,
	t.text,
	t.sla_annex,
	t.text_hash,
	t.status,
	t.published_at,
	t.created_at,
	t.updated_at,
	t.status as allowed_actions
from agreement_templates t;

grant select on agreement_template_shape to partnerd_app;
