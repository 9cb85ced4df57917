-- SPDX-License-Identifier: Apache-2.0

-- name: product_create
with written as (
	insert into products (program_id, id, key, name, description, kind, unit, created_at, updated_at)
	select $1, $3, b.key, b.name, b.description, b.kind, b.unit, n.now, n.now
	from jsonb_to_record($4) as b(key text, name text, description text, kind text, unit text)
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: product_change
with written as (
	update products p
	set (name, description, unit, status) = (select r.name, r.description, r.unit, r.status
			from jsonb_populate_record(p, $5->'set') r),
		version = p.version + 1, updated_at = program_now()
	where p.program_id = $1 and p.id = $3 and p.version = ($5->>'expected_version')::int
	returning p.id
)
select assert_written(count(*)) from written

-- The product that is to get a price, and the time, to the millisecond that answers show.
-- name: product_price_facts
select p.id as product_id, p.status as product_status, date_trunc('milliseconds', program_now()) as now
from programs g
left join products p on p.program_id = g.id and p.id = ($4->>'product_id')::uuid
where g.id = $1

-- name: product_price_create
with written as (
	insert into product_prices (program_id, id, product_id, currency, unit_amount_minor, volume_mode, volume_bands,
		warnings, valid_from, created_at, updated_at)
	select $1, $3, p.id, $4->'unit_amount'->>'currency', ($4->'unit_amount'->>'amount_minor')::bigint,
		$5->>'volume_mode', $5->'volume_bands', $5->'warnings', ($5->>'valid_from')::timestamptz, n.now, n.now
	from products p
	cross join (select program_now() as now) n
	where p.program_id = $1 and p.id = ($4->>'product_id')::uuid and p.status = 'active'
	returning id
)
select assert_written(count(*)) from written

-- Only before it counts.
-- name: product_price_withdraw
with written as (
	update product_prices v set status = 'withdrawn', version = v.version + 1, updated_at = program_now()
	where v.program_id = $1 and v.id = $3 and v.version = ($5->>'expected_version')::int and v.status = 'published'
		and v.valid_from > program_now()
	returning v.id
)
select assert_written(count(*)) from written
