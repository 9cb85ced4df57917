-- SPDX-License-Identifier: Apache-2.0
--
-- The terms of tiers: the one place that says which version counts. Functions in SQL that the planner puts in place of the
-- call: join them with a condition on program_id and tier_id, and no more than that is read.

-- The terms in force at an instant, for tiers that were published and not yet retired then. valid_until: where the next
-- published version begins.
create or replace function tier_terms_at(instant timestamptz)
returns table (program_id uuid, tier_id uuid, key text, name text, rank int, terms_id uuid, terms_version int, floor_bps int,
	base_bps int, cap_bps int, benefits jsonb, requirements jsonb, valid_from timestamptz, valid_until timestamptz)
language sql stable as
$$
	select t.program_id, t.id, t.key, t.name, t.rank, v.id, v.number, v.floor_bps, v.base_bps, v.cap_bps, v.benefits,
		v.requirements, v.valid_from, v.valid_until
	from tiers t
	join tier_versions v on v.program_id = t.program_id and v.tier_id = t.id and v.status = 'published'
		and v.valid_from <= instant and (v.valid_until is null or instant < v.valid_until)
$$;

create or replace function tier_terms_now()
returns table (program_id uuid, tier_id uuid, key text, name text, rank int, terms_id uuid, terms_version int, floor_bps int,
	base_bps int, cap_bps int, benefits jsonb, requirements jsonb, valid_from timestamptz, valid_until timestamptz)
language sql stable as
$$
	select * from tier_terms_at(program_now())
$$;

-- What is planned: the draft where there is one, else the version published last, for every tier that is not retired;
-- terms_version is null for a draft. For simulations, and for what a new draft starts from.
create or replace function tier_terms_planned()
returns table (program_id uuid, tier_id uuid, key text, name text, rank int, terms_id uuid, terms_version int, floor_bps int,
	base_bps int, cap_bps int, benefits jsonb, requirements jsonb, valid_from timestamptz, valid_until timestamptz)
language sql stable as
$$
	select t.program_id, t.id, t.key, t.name, t.rank, v.id, v.number, v.floor_bps, v.base_bps, v.cap_bps, v.benefits,
		v.requirements, v.valid_from, v.valid_until
	from tiers t
	join lateral (select * from tier_versions w
		where w.program_id = t.program_id and w.tier_id = t.id and w.status in ('draft', 'published')
		order by w.number desc nulls first limit 1) v on true
	where t.status <> 'retired'
$$;
