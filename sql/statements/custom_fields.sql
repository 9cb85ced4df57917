-- SPDX-License-Identifier: Apache-2.0

-- name: custom_field_create
with written as (
	insert into custom_fields (program_id, id, of_object, key, label, description, kind, choices, is_required, visibility,
		created_at, updated_at)
	select $1, $3, b.of_object, b.key, b.label, b.description, b.kind, coalesce(b.choices, '[]'),
		coalesce(b.is_required, false), coalesce(b.visibility, 'all'), n.now, n.now
	from jsonb_to_record($4) as b(of_object text, key text, label text, description text, kind text, choices jsonb,
		is_required boolean, visibility text)
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: custom_field_change
with written as (
	update custom_fields f
	set (label, description, choices, is_required, status)
			= (select r.label, r.description, r.choices, r.is_required, r.status from jsonb_populate_record(f, $5->'set') r),
		version = f.version + 1, updated_at = program_now()
	where f.program_id = $1 and f.id = $3 and f.version = ($5->>'expected_version')::int
	returning f.id
)
select assert_written(count(*)) from written
