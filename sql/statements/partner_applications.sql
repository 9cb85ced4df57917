-- SPDX-License-Identifier: Apache-2.0

-- How long the company that is about to apply has to wait; what the body leaves out is what is there.
-- name: application_facts
select program_now() as now, application_waits_until($1, $3, coalesce($4->>'name', a.name),
	coalesce($4->>'country', a.country), case when $4 ? 'website' then $4->>'website' else a.website end,
	coalesce($4->>'applicant_email', a.applicant_email)) as waits_until,
	((program_now() at time zone g.zone) + make_interval(days => g.reapplication_days)) at time zone g.zone as reapply_from
from programs g
left join partner_applications a on a.program_id = g.id and a.id = $3
where g.id = $1

-- name: application_create
with written as (
	insert into partner_applications (program_id, id, number, status, name, legal_name, type, country, website, industries,
		languages, regions, applicant_name, applicant_email, message, external_ids, custom_fields, submitted_at,
		created_by_id, created_at, updated_at)
	select $1, $3, 'A-' || human_number(nextval('partner_application_numbers')), $5->>'status', b.name, b.legal_name, b.type,
		b.country, b.website, coalesce(b.industries, '[]'), coalesce(b.languages, '[]'), coalesce(b.regions, '[]'),
		b.applicant_name, lower(b.applicant_email), b.message, coalesce(b.external_ids, '{}'),
		coalesce(b.custom_fields, '{}'), case when $5->>'status' = 'submitted' then n.now end,
		($6->>'actor_id')::uuid, n.now, n.now
	from jsonb_populate_record(null::partner_applications, $4 - 'status' - 'version') b
	cross join (select program_now() as now) n
	where $5->>'status' = 'draft' or not coalesce(
		application_waits_until($1, $3, b.name, b.country, b.website, b.applicant_email) > n.now, false)
	returning id
)
select assert_written(count(*)) from written

-- Every change but approval: decision.set holds the new values. `waits`: nobody has been told meanwhile to wait.
-- name: application_change
with written as (
	update partner_applications a
	set (status, name, legal_name, type, country, website, industries, languages, regions, applicant_name, applicant_email,
		message, external_ids, custom_fields, info_request, decision_comment, submitted_at, decided_at, reapply_from_at)
		= (select r.status, r.name, r.legal_name, r.type, r.country, r.website, r.industries, r.languages, r.regions,
			r.applicant_name, lower(r.applicant_email), r.message, r.external_ids, r.custom_fields, r.info_request,
			r.decision_comment, r.submitted_at, r.decided_at, r.reapply_from_at
			from jsonb_populate_record(a, $5->'set') r),
		version = a.version + 1, updated_at = program_now()
	where a.program_id = $1 and a.id = $3 and a.version = ($5->>'expected_version')::int
		and not (coalesce(($5->>'waits')::boolean, false) and coalesce(application_waits_until($1, a.id, a.name, a.country,
			a.website, a.applicant_email) > program_now(), false))
	returning a.id
)
select assert_written(count(*)) from written

-- What approval needs: the tier that was asked for, or that of the type, or the lowest; and whether the applicant is
-- somebody already, other than by an approval in this moment.
-- name: application_review_facts
select t.id as tier_id, t.status as tier_status, g.name as program_name,
	exists (select from users u where u.program_id = $1 and u.email = a.applicant_email
		and u.id is distinct from a.user_id) as is_known
from partner_applications a
join programs g on g.id = a.program_id
left join partner_types y on y.program_id = a.program_id and y.key = a.type
left join lateral (
	select t.id, case when t.status = 'published' and v.terms_id is null then 'scheduled' else t.status end as status
	from tiers t left join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	where t.program_id = $1 and case when $4->>'tier_id' is not null then t.id = ($4->>'tier_id')::uuid
		else t.status = 'published' and v.terms_id is not null end
	order by t.id is distinct from y.default_tier_id, t.rank limit 1
) t on true
where a.program_id = $1 and a.id = $3

-- name: application_approve
select assert_written(application_approve($1, $3, $6, $5))

-- name: application_erase
with written as (
	update partner_applications a
	set applicant_name = erased_name(), applicant_email = erased_email(a.id), message = null, info_request = null,
		decision_comment = null, erased_at = program_now(), version = a.version + 1, updated_at = program_now()
	where a.program_id = $1 and a.id = $3 and a.version = ($5->>'expected_version')::int and a.erased_at is null
		and a.status in ('rejected', 'withdrawn')
	returning a.id
)
select assert_written(count(*)), bool_and(row_erase($6, ($5->>'erasure_id')::uuid, 'partner_application', w.id, null))
from written w
