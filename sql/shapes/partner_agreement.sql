-- SPDX-License-Identifier: Apache-2.0
create view partner_agreement_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	coalesce(p.updated_at > a.updated_at, false) as _is_newer,
	a.id,
	'partner_agreement'::text as object,
	a.version,
	a.partner_id,
	p.name as partner_name,
	a.template_id,
	t.key as template_key,
	t.edition,
	t.title,
	t.text_hash,
	a.status,
	a.signatory_name,
	a.signatory_title,
	a.accepted_hash,
	a.accepted_at,
	a.accepted_by_id,
	a.accepted_from,
	a.created_by_id,
	a.created_at,
	a.updated_at,
	a.status as allowed_actions
from partner_agreements a
left join agreement_templates t on t.program_id = a.program_id and t.id = a.template_id
left join partners p on p.program_id = a.program_id and p.id = a.partner_id;

grant select on partner_agreement_shape to partnerd_app;
