-- SPDX-License-Identifier: Apache-2.0
--
-- A tier keeps its key, name and rank; what it means (band, benefits, requirements) moves to versions of its terms. One
-- version is the draft, the published ones follow each other without overlap, and the clock says which is in force. What a
-- benefit is, stands in a catalogue; the terms give it a value.

create extension if not exists btree_gist;

alter table programs add column tier_notice_days int not null default 30;
alter table programs add constraint programs_tier_notice_days_check check (tier_notice_days between 0 and 730);

-- ---- benefit catalogue ----

create table benefits (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	description text,
	kind text not null,
	unit text,
	choices jsonb not null default '[]',
	better text,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint benefits_pkey primary key (program_id, id),
	constraint benefits_program_fkey foreign key (program_id) references programs (id),
	constraint benefits_key_key unique (program_id, key),
	constraint benefits_kind_check check (kind in ('boolean', 'number', 'bps', 'text', 'choice')),
	constraint benefits_better_check check (better in ('higher', 'lower')),
	constraint benefits_choices_check check ((kind = 'choice') = (jsonb_array_length(choices) > 0)),
	constraint benefits_status_check check (status in ('active', 'retired'))
);

create index benefits_by_created on benefits (program_id, created_at, id);
create index benefits_by_name on benefits (program_id, name, id);

-- ---- versions of terms ----

-- A draft has neither number nor time. valid_until is where the next version begins; a version that was replaced before its
-- time holds for no time at all.
create table tier_versions (
	program_id uuid not null,
	id uuid not null,
	tier_id uuid not null,
	number int,
	status text not null default 'draft',
	floor_bps int not null,
	base_bps int not null,
	cap_bps int not null,
	benefits jsonb not null default '[]',
	requirements jsonb not null default '[]',
	valid_from timestamptz,
	valid_until timestamptz,
	published_at timestamptz,
	published_by_id uuid,
	decision_id uuid,
	created_at timestamptz not null default now(),
	constraint tier_versions_pkey primary key (program_id, id),
	constraint tier_versions_tier_fkey foreign key (program_id, tier_id) references tiers (program_id, id),
	constraint tier_versions_number_key unique (program_id, tier_id, number),
	constraint tier_versions_status_check check (status in ('draft', 'published', 'discarded')),
	constraint tier_versions_margin_band_check check (0 <= floor_bps and floor_bps <= base_bps and base_bps <= cap_bps
		and cap_bps <= 10000),
	constraint tier_versions_published_check check ((status = 'published')
		= (number is not null and valid_from is not null and published_at is not null)),
	constraint tier_versions_period_check check (valid_from <= valid_until),
	constraint tier_versions_period_excl exclude using gist (program_id with =, tier_id with =,
		tstzrange(valid_from, valid_until) with &&) where (status = 'published')
);

create unique index tier_versions_draft_key on tier_versions (program_id, tier_id) where status = 'draft';
create index tier_versions_by_created on tier_versions (program_id, tier_id, created_at, id);

-- The rows are older than the policies: the owner has to look past the walls.
alter table tiers no force row level security;

insert into tier_versions (program_id, id, tier_id, number, status, floor_bps, base_bps, cap_bps, benefits, requirements,
	valid_from, published_at, created_at)
select t.program_id, gen_random_uuid(), t.id, case when t.status <> 'draft' then 1 end,
	case when t.status = 'draft' then 'draft' else 'published' end, t.floor_bps, t.base_bps, t.cap_bps,
	coalesce((select jsonb_agg(jsonb_build_object('key', b->'key', 'value', coalesce(nullif(b->'value', 'null'), '"yes"')))
		from jsonb_array_elements(t.benefits) b), '[]'),
	t.requirements, case when t.status <> 'draft' then coalesce(t.published_at, t.created_at) end,
	case when t.status <> 'draft' then coalesce(t.published_at, t.created_at) end, t.created_at
from tiers t;

-- What terms said of benefits so far was text.
insert into benefits (program_id, id, key, name, kind)
select t.program_id, gen_random_uuid(), b->>'key', min(b->>'name'), 'text'
from tiers t, jsonb_array_elements(t.benefits) b
group by t.program_id, b->>'key';

alter table tiers force row level security;

alter table tiers
	drop column floor_bps,
	drop column base_bps,
	drop column cap_bps,
	drop column benefits,
	drop column requirements,
	add column retired_at timestamptz;

-- The rank of a retired tier is free again; its key is not.
alter table tiers drop constraint tiers_rank_key;
create unique index tiers_rank_key on tiers (program_id, rank) where status <> 'retired';

-- ---- walls ----

alter table benefits enable row level security;
alter table benefits force row level security;
create policy benefits_wall on benefits using (program_id = (select app_program()));
create policy benefits_vendor_adds on benefits as restrictive for insert with check ((select app_is_vendor()));
create policy benefits_vendor_writes on benefits as restrictive for update using ((select app_is_vendor()));

alter table tier_versions enable row level security;
alter table tier_versions force row level security;
create policy tier_versions_wall on tier_versions using (program_id = (select app_program())
	and ((select app_is_vendor()) or status = 'published'));
create policy tier_versions_vendor_adds on tier_versions as restrictive for insert with check ((select app_is_vendor()));
create policy tier_versions_vendor_writes on tier_versions as restrictive for update using ((select app_is_vendor()));

grant select, insert, update on benefits, tier_versions to partnerd_app;
