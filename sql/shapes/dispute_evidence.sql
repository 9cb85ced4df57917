-- SPDX-License-Identifier: Apache-2.0
--
-- Evidence belongs to the side it is for: the partner of that side sees it, and the vendor sees all of it.
create view dispute_evidence_shape with (security_invoker = true) as
select
	e.program_id as _program_id,
	p.partner_id as _partner_id,
	e.id,
	'dispute_evidence'::text as object,
	1 as version,
	e.dispute_id,
	d.number as dispute_number,
	e.audience,
	e.submitted_by,
	e.title,
	e.text,
	e.file_id,
	e.document_name as "document.name",
	e.document_media_type as "document.media_type",
	e.document_bytes as "document.size_bytes",
	e.document_sha256 as "document.sha256",
	e.created_by_id,
	e.created_at
from dispute_evidence e
join disputes d on d.program_id = e.program_id and d.id = e.dispute_id
left join dispute_parties p on p.program_id = e.program_id and p.dispute_id = e.dispute_id and p.role = e.audience;

grant select on dispute_evidence_shape to partnerd_app;
