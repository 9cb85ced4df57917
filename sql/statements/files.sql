-- SPDX-License-Identifier: Apache-2.0

-- How many files of the caller's side wait for their content, and how many bytes all of them have.
-- name: file_create_facts
select (select count(*) from files f where f.program_id = $1 and f.partner_id is not distinct from $2
		and f.status = 'pending') as pending,
	(select coalesce(max(u.bytes), 0) from file_usage u where u.program_id = $1 and u.side_id = coalesce($2, $1)) as bytes

-- Re-asserts that there is room.
-- name: file_create
with written as (
	insert into files (program_id, id, partner_id, side_id, name, media_type, size_bytes, sha256, created_by_id,
		created_at, updated_at)
	select $1, $3, $2, coalesce($2, $1), $4->>'name', $4->>'media_type', ($4->>'size_bytes')::bigint, $4->>'sha256',
		($6->>'actor_id')::uuid, n.now, n.now
	from (select program_now() as now) n
	where file_charge(coalesce($2, $1), ($4->>'size_bytes')::bigint, ($5->>'quota_bytes')::bigint)
	returning id
)
select assert_written(count(*)) from written

-- name: file_facts
select f.status, f.media_type, f.size_bytes, f.sha256 from files f
where f.program_id = $1 and f.id = $3 and ($2 is null or f.partner_id = $2)

-- All chunks of the attempt are there; nobody stored another one meanwhile.
-- name: file_store
select assert_written(count(*) filter (where file_store(f.id, ($5->>'upload_id')::uuid, ($5->>'expected_version')::int) = 1))
from files f where f.program_id = $1 and f.id = $3 and ($2 is null or f.partner_id = $2)

-- name: file_content
select f.name, f.size_bytes, f.sha256 from files f
where f.program_id = $1 and f.id = $3 and ($2 is null or f.partner_id = $2) and f.status = 'stored'

-- One chunk of a stored file, in hexadecimal: body.sequence counts from 0. No row behind the last.
-- name: file_chunk
select encode(c.bytes, 'hex') from files f
join file_chunks c on c.program_id = f.program_id and c.file_id = f.id and c.upload_id = f.upload_id
where f.program_id = $1 and f.id = $3 and ($2 is null or f.partner_id = $2) and c.sequence = ($4->>'sequence')::int

-- name: job_forget_files
select files_sweep(($5->>'batch')::int) as gone
