-- SPDX-License-Identifier: Apache-2.0

-- name: agreement_template_create
with written as (
	insert into agreement_templates (program_id, id, key, edition, title, text, sla_annex, text_hash, created_at, updated_at)
	select $1, $3, $4->>'key', coalesce((select max(t.edition) from agreement_templates t
		where t.program_id = $1 and t.key = $4->>'key'), 0) + 1, $4->>'title', $4->>'text', $4->>'sla_annex',
		agreement_hash($4->>'text', $4->>'sla_annex'), program_now(), program_now()
	returning id
)
select assert_written(count(*)) from written

-- name: agreement_template_change
with written as (
	update agreement_templates t
	set (title, text, sla_annex, text_hash, status) = (select r.title, r.text, r.sla_annex,
			agreement_hash(r.text, r.sla_annex), r.status from jsonb_populate_record(t, $5->'set') r),
		version = t.version + 1, updated_at = program_now()
	where t.program_id = $1 and t.id = $3 and t.version = ($5->>'expected_version')::int
	returning t.id
)
select assert_written(count(*)) from written

-- name: agreement_template_publish
select assert_written(agreement_publish($6, $3, $5))

-- The partner, and the edition of the agreement that is published now.
-- name: agreement_offer_facts
select p.status as partner_status, t.id as template_id, t.status as template_status
from programs g
left join partners p on p.program_id = g.id and p.id = ($4->>'partner_id')::uuid
left join agreement_templates t on t.program_id = g.id and t.id = ($4->>'template_id')::uuid
where g.id = $1

-- name: agreement_offer
with template as (
	select t.id from agreement_templates t
	where t.program_id = $1 and t.id = ($4->>'template_id')::uuid and t.status = 'published' for share
), partner as (
	select p.id from partners p
	where p.program_id = $1 and p.id = ($4->>'partner_id')::uuid and p.status <> 'terminated' for share
), written as (
	insert into partner_agreements (program_id, id, partner_id, template_id, created_by_id, created_at, updated_at)
	select $1, $3, p.id, t.id, ($6->>'actor_id')::uuid, program_now(), program_now()
	from template t cross join partner p
	returning id
)
select assert_written(count(*)) from written

-- name: agreement_accept
select assert_written(agreement_accept($6, $3, $2, $4, $5))

-- name: agreement_withdraw
with written as (
	update partner_agreements a set status = 'withdrawn', version = a.version + 1, updated_at = program_now()
	where a.program_id = $1 and a.id = $3 and a.version = ($5->>'expected_version')::int and a.status = 'offered'
	returning a.id
)
select assert_written(count(*)) from written

-- ---- contacts ----

-- name: contact_create
with written as (
	insert into partner_contacts (program_id, id, partner_id, name, email, phone, job_title, purposes, language, created_at,
		updated_at)
	select $1, $3, ($5->>'partner_id')::uuid, c.name, lower(c.email), c.phone, c.job_title, coalesce(c.purposes, '[]'),
		c.language, program_now(), program_now()
	from jsonb_populate_record(null::partner_contacts, $4 - 'partner_id') c
	returning id
)
select assert_written(count(*)) from written

-- name: contact_change
with written as (
	update partner_contacts c
	set (name, email, phone, job_title, purposes, language) = (select r.name, lower(r.email), r.phone, r.job_title, r.purposes,
			r.language from jsonb_populate_record(c, $5->'set') r),
		version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)
		and c.version = ($5->>'expected_version')::int and c.status = 'active'
	returning c.id
)
select assert_written(count(*)) from written

-- name: contact_erase
with written as (
	update partner_contacts c
	set status = 'erased', name = erased_name(), email = null, phone = null, job_title = null, language = null,
		version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and ($2 is null or c.partner_id = $2)
		and c.version = ($5->>'expected_version')::int and c.status = 'active'
	returning c.id, c.partner_id
)
select assert_written(count(*)), bool_and(row_erase($6, ($5->>'erasure_id')::uuid, 'partner_contact', w.id, w.partner_id)) from written w
