-- SPDX-License-Identifier: Apache-2.0
create view partner_application_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	null::uuid as _partner_id,
	a.id,
	'partner_application'::text as object,
	a.version,
	a.number,
	a.status,
	a.name,
	a.legal_name,
	a.type,
	a.country,
	a.website,
	a.industries,
	a.languages,
	a.regions,
	a.applicant_name,
	a.applicant_email,
	a.message,
	a.external_ids,
	a.custom_fields,
	a.info_request,
	a.decision_comment,
	a.submitted_at,
	a.decided_at,
	a.reapply_from_at,
	a.erased_at,
	a.partner_id,
	a.user_id,
	a.form_key_id,
	a.created_by_id,
	a.created_at,
	a.updated_at,
	case when a.erased_at is null then a.status else 'erased' end as allowed_actions
from partner_applications a;

grant select on partner_application_shape to partnerd_app;
