-- SPDX-License-Identifier: Apache-2.0
create view deal_document_shape with (security_invoker = true) as
select
	x.program_id as _program_id,
	case when x.visibility = 'shared' then d.partner_id end as _partner_id,
	x.id,
	'deal_document'::text as object,
	x.version,
	x.deal_id,
	x.kind,
	x.title,
	x.visibility,
	f.id as "file.id",
	f.name as "file.name",
	f.media_type as "file.media_type",
	f.size_bytes as "file.size_bytes",
	f.sha256 as "file.sha256",
	case when x.is_by_vendor then 'vendor' else 'partner' end as written_by,
	x.removed_at,
	x.created_by_id,
	x.created_at,
	x.updated_at
from deal_documents x
join deals d on d.program_id = x.program_id and d.id = x.deal_id
left join files f on f.program_id = x.program_id and f.id = x.file_id;

grant select on deal_document_shape to partnerd_app;
