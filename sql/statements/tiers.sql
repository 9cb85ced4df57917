-- SPDX-License-Identifier: Apache-2.0

-- What a decision on a tier needs to know. planned: the draft, or what a draft would start from; last: what was published
-- last; catalogue: benefits by key; neighbours: the published terms of other tiers that hold now or later.
-- name: tier_facts
select g.margin_cap_bps, g.tier_notice_days, n.now,
	((n.now at time zone g.zone) + make_interval(days => g.tier_notice_days)) at time zone g.zone as notice_ends_at,
	(select jsonb_object_agg(b.key, to_jsonb(b)) from benefits b where b.program_id = $1) as catalogue,
	(select to_jsonb(p) from tier_terms_planned() p where p.program_id = $1 and p.tier_id = $3) as planned,
	v.terms as last, nullif(v.valid_from, '-infinity') as last_from,
	(select jsonb_agg(jsonb_build_object('name', o.name, 'rank', o.rank, 'floor_bps', w.floor_bps, 'base_bps', w.base_bps,
			'cap_bps', w.cap_bps, 'from', instant(greatest(w.valid_from, n.now)), 'until', instant(w.valid_until)) order by w.valid_from, o.rank)
		from tiers o join tier_versions w on w.program_id = o.program_id and w.tier_id = o.id and w.status = 'published'
		where o.program_id = $1 and o.id <> $3 and o.status = 'published'
			and (w.valid_until is null or w.valid_until > greatest(w.valid_from, n.now))) as neighbours,
	(select count(*) from partners p where p.program_id = $1 and p.tier_id = $3 and p.status <> 'terminated') as partner_count
from programs g
cross join (select program_now() as now) n
left join lateral (select to_jsonb(w) as terms, w.valid_from from tier_versions w
	where w.program_id = $1 and w.tier_id = $3 and w.status = 'published' order by w.number desc limit 1) v on true
where g.id = $1

-- The program's row is locked against a new cap and against other tiers meanwhile; what must hold of all together is looked
-- at once more when it is.
-- name: tier_create
with program as (
	select g.id from programs g where g.id = $1 for no key update
), written as (
	insert into tiers (program_id, id, key, name, rank, created_at, updated_at)
	select $1, $3, b.key, b.name, b.rank, n.now, n.now
	from jsonb_to_record($4) as b(key text, name text, rank int)
	cross join (select program_now() as now) n
	cross join program
	returning id
), drafted as (
	insert into tier_versions (program_id, id, tier_id, floor_bps, base_bps, cap_bps, benefits, requirements, created_at)
	select $1, ($5->>'draft_id')::uuid, w.id, r.floor_bps, r.base_bps, r.cap_bps, r.benefits, r.requirements, program_now()
	from written w, jsonb_populate_record(null::tier_versions, $5->'terms') r
	returning id
)
select assert_written(count(*) filter (where tiers_fit_program())) from written cross join drafted

-- Name and rank hold at once; decision.terms, where there are any, become the draft.
-- name: tier_change
with program as (
	select g.id from programs g where g.id = $1 for no key update
), written as (
	update tiers t
	set (name, rank) = (select r.name, r.rank from jsonb_populate_record(t, $5->'set') r),
		version = t.version + 1, updated_at = program_now()
	from program g
	where t.program_id = g.id and t.id = $3 and t.version = ($5->>'expected_version')::int
	returning t.id
), drafted as (
	insert into tier_versions (program_id, id, tier_id, floor_bps, base_bps, cap_bps, benefits, requirements, created_at)
	select $1, ($5->>'draft_id')::uuid, w.id, r.floor_bps, r.base_bps, r.cap_bps, r.benefits, r.requirements, program_now()
	from written w, jsonb_populate_record(null::tier_versions, $5->'terms') r
	where $5 ? 'terms'
	on conflict (program_id, tier_id) where status = 'draft' do update
	set floor_bps = excluded.floor_bps, base_bps = excluded.base_bps, cap_bps = excluded.cap_bps,
		benefits = excluded.benefits, requirements = excluded.requirements
	returning id
)
select assert_written(count(*) filter (where tiers_fit_program() and tier_bands_fit($3))) from written left join drafted on true

-- name: tier_publish
select assert_written(tier_publish($3, $5, ($6->>'actor_id')::uuid))

-- name: tier_discard_draft
select assert_written(tier_discard_draft($3, $5))

-- name: tier_retire
select assert_written(tier_retire($3, $5))

-- Keys of the tiers there are, the published ones apart, and of those the preset would make.
-- name: tier_preset_facts
select (select jsonb_agg(t.key order by t.rank) from tiers t where t.program_id = $1 and t.status = 'published') as published,
	(select jsonb_agg(p.key order by p.rank) from tier_presets($4->>'preset') p) as keys,
	(select t.key from tiers t join tier_presets($4->>'preset') p on p.key = t.key
		where t.program_id = $1 order by t.rank limit 1) as taken_key,
	(select t.name from tiers t join tier_presets($4->>'preset') p on p.rank = t.rank
		where t.program_id = $1 and t.status = 'draft' order by t.rank limit 1) as taken_rank_name
from programs g where g.id = $1

-- name: tier_preset_apply
select assert_written(tiers_apply_preset($4->>'preset', $5, $6))
