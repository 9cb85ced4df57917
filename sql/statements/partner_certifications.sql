-- SPDX-License-Identifier: Apache-2.0

-- The person the body names, who works for a partner.
-- name: certification_facts
select program_now() as now, (program_now() at time zone g.zone)::date as today, u.partner_id, u.status as user_status
from programs g
left join users u on u.program_id = g.id and u.id = ($4->>'user_id')::uuid
where g.id = $1

-- name: certification_create
with written as (
	insert into partner_certifications (program_id, id, partner_id, user_id, certification, awarded_on, expires_on,
		created_at, updated_at)
	select $1, $3, u.partner_id, u.id, b.certification, b.awarded_on, b.expires_on, n.now, n.now
	from jsonb_to_record($4) as b(user_id uuid, certification text, awarded_on date, expires_on date)
	join users u on u.program_id = $1 and u.id = b.user_id and u.partner_id is not null and u.status <> 'erased'
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: certification_change
with written as (
	update partner_certifications c
	set (expires_on, revoked_at, revocation_reason) = (select r.expires_on, r.revoked_at, r.revocation_reason
			from jsonb_populate_record(c, $5->'set') r),
		version = c.version + 1, updated_at = program_now()
	where c.program_id = $1 and c.id = $3 and c.version = ($5->>'expected_version')::int
	returning c.id
)
select assert_written(count(*)) from written
