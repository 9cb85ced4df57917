-- SPDX-License-Identifier: Apache-2.0
--
-- Regions, and whose they are. Paths and spans are explained in sql/migrations/0014_territories.sql.

-- ---- regions ----

-- What a new region, or a change of one, meets: the parent that is asked for, countries that lie elsewhere (by their place
-- in the body), how deep the tree would become, and an assignment below that would overlap with one above.
-- name: region_facts
select program_now() as now, o.key, p.id as parent_id, p.status as parent_status, t.places as taken_places,
	coalesce(starts_with(p.path, o.path), false) as is_below_itself,
	coalesce(cardinality(string_to_array(p.path, '/')) - 1, 0) + coalesce((
		select max(cardinality(string_to_array(b.path, '/'))) - cardinality(string_to_array(o.path, '/'))
		from regions b where b.program_id = g.id and starts_with(b.path, o.path)), 0) + 1 as depth,
	x.id as blocker_id
from programs g
left join regions o on o.program_id = g.id and o.id = $3
left join regions p on p.program_id = g.id and p.id = ($4->>'parent_id')::uuid
cross join lateral (
	select jsonb_agg(c.place - 1 order by c.place) as places
	from jsonb_array_elements_text($4->'countries') with ordinality c(country, place)
	join region_countries e on e.program_id = g.id and e.country = c.country and e.region_id <> $3
) t
left join lateral (
	select a.id from territory_assignments a
	join territory_assignments b on b.program_id = a.program_id and starts_with(p.path, b.region_path)
		and tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
		and uuid_span(a.product_id, a.product_id, '[]') && uuid_span(b.product_id, b.product_id, '[]')
		and (a.is_exclusive and b.is_exclusive or a.partner_id <> b.partner_id and (a.is_exclusive or b.is_exclusive))
	where a.program_id = g.id and starts_with(a.region_path, o.path) and not starts_with(p.path, o.path)
		and not starts_with(b.region_path, o.path)
	order by a.valid_from, a.id limit 1
) x on true
where g.id = $1

-- name: region_create
with lock as materialized (
	select territories_lock()
), parent as (
	select p.id, p.path from lock, regions p
	where p.program_id = $1 and p.id = ($4->>'parent_id')::uuid and p.status = 'active' for share of p
), written as (
	insert into regions (program_id, id, key, name, parent_id, parent_path, created_at, updated_at)
	select $1, $3, b.key, b.name, p.id, coalesce(p.path, ''), n.now, n.now
	from jsonb_to_record($4) as b(key text, name text, parent_id uuid)
	cross join (select program_now() as now from lock) n
	left join parent p on true
	where b.parent_id is null or p.id is not null
	returning id
), placed as (
	insert into region_countries (program_id, country, region_id)
	select $1, c.country, w.id from written w, jsonb_array_elements_text($4->'countries') c(country)
)
select assert_written(count(*)) from written

-- Every change of a region: decision.set holds the new values. A new parent gives a new path to all that lies below, by
-- the foreign keys. Who is retired gives its countries back.
-- name: region_change
with lock as materialized (
	select territories_lock()
), parent as (
	select p.id, p.path from lock, regions p
	where p.program_id = $1 and p.id = ($5->'set'->>'parent_id')::uuid and p.status = 'active' for share of p
), written as (
	update regions r
	set (name, parent_id, parent_path, status)
		= (select s.name, s.parent_id,
			case when $5->'set' ? 'parent_id' then coalesce((select p.path from parent p), '') else r.parent_path end,
			s.status from jsonb_populate_record(r, $5->'set') s),
		version = r.version + 1, updated_at = program_now()
	from lock
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
		and ($5->'set'->>'parent_id' is null or exists (select from parent))
	returning r.id, r.status
), removed as (
	delete from region_countries c using written w
	where c.program_id = $1 and c.region_id = w.id
		and (w.status = 'retired' or $5 ? 'countries' and not $5->'countries' ? c.country)
), placed as (
	insert into region_countries (program_id, country, region_id)
	select $1, c.country, w.id from written w, jsonb_array_elements_text($5->'countries') c(country)
	where not exists (select from region_countries e where e.program_id = $1 and e.country = c.country and e.region_id = w.id)
)
select assert_written(count(*) filter (where w.status = 'active' or region_is_unused(w.id))) from written w

-- name: region_retire_facts
select region_is_unused($3) as is_unused

-- ---- whose they are ----

-- The partner, the region, the product, and an assignment that stands in the way of the one that is asked for ($4, over what is there).
-- name: territory_facts
with wanted as (
	select coalesce(($4->>'partner_id')::uuid, o.partner_id) as partner_id,
		coalesce(($4->>'region_id')::uuid, o.region_id) as region_id,
		coalesce(($4->>'product_id')::uuid, o.product_id) as product_id,
		coalesce(($4->>'is_exclusive')::boolean, o.is_exclusive, false) as is_exclusive,
		coalesce(($4->>'valid_from')::timestamptz, o.valid_from, program_now()) as valid_from,
		case when $4 ? 'valid_to' then ($4->>'valid_to')::timestamptz else o.valid_to end as valid_to
	from programs g
	left join territory_assignments o on o.program_id = g.id and o.id = $3
	where g.id = $1
)
select program_now() as now, w.valid_from, w.valid_to, p.id as partner_id, p.status as partner_status, r.id as region_id,
	r.status as region_status, d.status as product_status, x.id as blocker_id, x.is_own as is_blocked_by_own
from wanted w
left join partners p on p.program_id = $1 and p.id = w.partner_id
left join regions r on r.program_id = $1 and r.id = w.region_id
left join products d on d.program_id = $1 and d.id = w.product_id
left join lateral (
	select a.id, a.partner_id = w.partner_id as is_own from territory_assignments a
	where a.program_id = $1 and a.id <> $3
		and text_span(a.region_path, left(a.region_path, -1) || '0') && text_span(r.path, left(r.path, -1) || '0')
		and uuid_span(a.product_id, a.product_id, '[]') && uuid_span(w.product_id, w.product_id, '[]')
		and tstzrange(a.valid_from, a.valid_to) && case when w.valid_to < w.valid_from then 'empty'
			else tstzrange(w.valid_from, w.valid_to) end
		and (a.is_exclusive and w.is_exclusive
			or a.partner_id <> w.partner_id and (a.is_exclusive or w.is_exclusive)
			or a.partner_id = w.partner_id and a.region_id = w.region_id and not a.is_exclusive and not w.is_exclusive)
	order by a.valid_from, a.id limit 1
) x on true

-- name: territory_create
with lock as materialized (
	select territories_lock()
), partner as (
	select p.id from lock, partners p
	where p.program_id = $1 and p.id = ($4->>'partner_id')::uuid and p.status <> 'terminated' for share of p
), region as (
	select r.id, r.path from lock, regions r
	where r.program_id = $1 and r.id = ($4->>'region_id')::uuid and r.status = 'active' for share of r
), product as (
	select d.id from lock, products d
	where d.program_id = $1 and d.id = ($4->>'product_id')::uuid and d.status = 'active' for share of d
), written as (
	insert into territory_assignments (program_id, id, partner_id, region_id, region_path, product_id, is_exclusive, valid_from, valid_to,
		note, created_by_id, created_at, updated_at)
	select $1, $3, p.id, r.id, r.path, b.product_id, coalesce(b.is_exclusive, false), coalesce(b.valid_from, n.now), b.valid_to, b.note,
		($6->>'actor_id')::uuid, n.now, n.now
	from partner p
	cross join region r
	cross join (select program_now() as now) n
	cross join jsonb_to_record($4) as b(product_id uuid, is_exclusive boolean, valid_from timestamptz, valid_to timestamptz, note text)
	where b.product_id is null or exists (select from product)
	returning id
)
select assert_written(count(*)) from written

-- name: territory_change
with lock as materialized (
	select territories_lock()
), written as (
	update territory_assignments a
	set (is_exclusive, valid_to, note, end_reason)
		= (select s.is_exclusive, s.valid_to, s.note, s.end_reason from jsonb_populate_record(a, $5->'set') s),
		version = a.version + 1, updated_at = program_now()
	from lock
	where a.program_id = $1 and a.id = $3 and a.version = ($5->>'expected_version')::int
	returning a.id
)
select assert_written(count(*)) from written
