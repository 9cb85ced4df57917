-- SPDX-License-Identifier: Apache-2.0

-- name: form_key_create
with written as (
	insert into form_keys (program_id, id, name, public_key, allowed_origins, partner_types, daily_limit, created_by_id,
		created_at, updated_at)
	select $1, $3, k.name, $5->>'public_key', coalesce(k.allowed_origins, '[]'), coalesce(k.partner_types, '[]'),
		coalesce(k.daily_limit, 200), ($6->>'actor_id')::uuid, program_now(), program_now()
	from jsonb_populate_record(null::form_keys, $4) k
	returning id
)
select assert_written(count(*)) from written

-- name: form_key_change
with written as (
	update form_keys k
	set (name, allowed_origins, partner_types, daily_limit, status, revoked_at) = (select r.name, r.allowed_origins,
			r.partner_types, r.daily_limit, r.status, case when r.status = 'revoked' then program_now() end
			from jsonb_populate_record(k, $5->'set') r),
		version = k.version + 1, updated_at = program_now()
	where k.program_id = $1 and k.id = $3 and k.version = ($5->>'expected_version')::int and k.status = 'active'
	returning k.id
)
select assert_written(count(*)) from written

-- Whose form it is, and whether this page and this type of partner may use it. At the identity door.
-- name: form_key_find
select k.program_id, k.id, k.allowed_origins = '[]' or coalesce(k.allowed_origins ? ($4->>'origin'), false) as is_from_page,
	k.partner_types = '[]' or coalesce(k.partner_types ? ($4->>'type'), false) as takes_type
from form_keys k
where k.public_key = $4->>'form_key' and k.status = 'active'

-- name: application_from_form
select application_from_form($6, $3, ($5->>'form_key_id')::uuid, $4, $5) as outcome
