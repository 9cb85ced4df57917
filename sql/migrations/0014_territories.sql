-- SPDX-License-Identifier: Apache-2.0
--
-- Regions as a tree, whose they are and when, and dated exchange rates.
--
-- A region's path is made of the keys from the root down: 'emea/dach/de/'. All that lies below a region is one interval of
-- paths, and two such intervals overlap exactly when one region is the other or lies below it. So exclusivity over the tree
-- is an EXCLUDE constraint like any other (domain.md §5.18), and needs no table of who is below whom.

create extension if not exists btree_gist;

-- Intervals of texts and of ids: null bounds are "from the very first" and "to the very last".
create type text_span as range (subtype = text, collation = "C");
create type uuid_span as range (subtype = uuid);

-- ---- regions ----

-- The path of the parent is kept by its foreign key, so that a move takes along everything below, assignments included. A
-- path never holds a key twice: there is no cycle to be made, in whatever order two moves are.
create table regions (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	parent_id uuid,
	parent_path text collate "C" not null default '',
	path text collate "C" not null generated always as (parent_path || key || '/') stored,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint regions_pkey primary key (program_id, id),
	constraint regions_program_fkey foreign key (program_id) references programs (id),
	constraint regions_key_key unique (program_id, key),
	constraint regions_path_key unique (program_id, id, path),
	constraint regions_parent_fkey foreign key (program_id, parent_id, parent_path)
		references regions (program_id, id, path) on update cascade,
	constraint regions_parent_check check ((parent_id is null) = (parent_path = '')),
	constraint regions_key_check check (key ~ '^[a-z][a-z0-9_]{0,31}$'),
	constraint regions_cycle_check check (position('/' || key || '/' in '/' || parent_path) = 0),
	constraint regions_depth_check check (length(parent_path) - length(replace(parent_path, '/', '')) < 8),
	constraint regions_status_check check (status in ('active', 'retired'))
);

create index regions_by_path on regions (program_id, path);
create index regions_by_parent on regions (program_id, parent_id);
create index regions_by_name on regions (program_id, name, id);
create index regions_by_created on regions (program_id, created_at, id);

-- A country lies in one region and, through it, in those above: a place on the map has one way up.
create table region_countries (
	program_id uuid not null,
	country text not null,
	region_id uuid not null,
	constraint region_countries_pkey primary key (program_id, country),
	constraint region_countries_region_fkey foreign key (program_id, region_id) references regions (program_id, id)
);

create index region_countries_by_region on region_countries (program_id, region_id);

-- ---- whose they are ----

-- No product: all of them. No end: until further notice. An assignment that was called off before it began has an empty
-- period.
create table territory_assignments (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	region_id uuid not null,
	region_path text collate "C" not null,
	product_id uuid,
	is_exclusive boolean not null,
	valid_from timestamptz not null,
	valid_to timestamptz,
	note text,
	end_reason text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint territory_assignments_pkey primary key (program_id, id),
	constraint territory_assignments_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint territory_assignments_region_fkey foreign key (program_id, region_id, region_path)
		references regions (program_id, id, path) on update cascade,
	constraint territory_assignments_period_check check (valid_from <= valid_to),
	-- Two exclusives never share a region, a product and an instant.
	constraint territory_assignments_exclusive_excl exclude using gist (
		program_id with =,
		text_span(region_path, left(region_path, -1) || '0') with &&,
		uuid_span(product_id, product_id, '[]') with &&,
		tstzrange(valid_from, valid_to) with &&
	) where (is_exclusive),
	-- Where one partner is exclusive, no other has anything: an exclusive spans all partners, others but their own.
	constraint territory_assignments_others_excl exclude using gist (
		program_id with =,
		partner_id with <>,
		uuid_span(case when not is_exclusive then partner_id end, case when not is_exclusive then partner_id end, '[]')
			with &&,
		text_span(region_path, left(region_path, -1) || '0') with &&,
		uuid_span(product_id, product_id, '[]') with &&,
		tstzrange(valid_from, valid_to) with &&
	),
	-- Nobody has the same twice.
	constraint territory_assignments_twice_excl exclude using gist (
		program_id with =,
		partner_id with =,
		region_id with =,
		uuid_span(product_id, product_id, '[]') with &&,
		tstzrange(valid_from, valid_to) with &&
	) where (not is_exclusive)
);

create index territory_assignments_by_partner on territory_assignments (program_id, partner_id, valid_from, id);
create index territory_assignments_by_region on territory_assignments (program_id, region_id, region_path);
create index territory_assignments_by_path on territory_assignments (program_id, region_path);
create index territory_assignments_by_from on territory_assignments (program_id, valid_from, id);
create index territory_assignments_by_created on territory_assignments (program_id, created_at, id);

-- ---- exchange rates ----

-- One unit of `base` is `rate` units of `quote` from valid_from until the next rate of the pair. The rate is an exact
-- decimal, kept as it is written. A wrong one is withdrawn, never changed: amounts may have been converted by it.
create table fx_rates (
	program_id uuid not null,
	id uuid not null,
	base text not null,
	quote text not null,
	rate text not null,
	source text not null,
	valid_from timestamptz not null,
	status text not null default 'active',
	withdrawn_at timestamptz,
	withdraw_reason text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint fx_rates_pkey primary key (program_id, id),
	constraint fx_rates_program_fkey foreign key (program_id) references programs (id),
	constraint fx_rates_pair_check check (base <> quote),
	constraint fx_rates_rate_check check (rate ~ '^(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?$' and rate ~ '[1-9]'),
	constraint fx_rates_status_check check (status in ('active', 'withdrawn')),
	constraint fx_rates_withdrawn_check check ((status = 'withdrawn') = (withdrawn_at is not null))
);

create unique index fx_rates_valid_from_key on fx_rates (program_id, base, quote, valid_from) where status = 'active';
create index fx_rates_by_from on fx_rates (program_id, valid_from, id);
create index fx_rates_by_created on fx_rates (program_id, created_at, id);

-- ---- the walls ----

-- Regions and rates are the program's, read by all of its partners; what a partner has is that partner's. Only the
-- vendor's side writes any of it.
do $$
declare
	name text;
	rule text;
	vendor constant text := '(select app_is_vendor())';
begin
	for name, rule in values
		('regions', 'program_id = (select app_program())'),
		('region_countries', 'program_id = (select app_program())'),
		('fx_rates', 'program_id = (select app_program())'),
		('territory_assignments', 'program_id = (select app_program())
			and ((select app_is_vendor()) or partner_id = (select app_partner()))')
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (%s)', name || '_wall', name, rule);
		execute format('create policy %I on %I as restrictive for insert with check (%s)', name || '_vendor_adds', name, vendor);
		execute format('create policy %I on %I as restrictive for update using (%s)', name || '_vendor_writes', name, vendor);
		execute format('create policy %I on %I as restrictive for delete using (%s)', name || '_vendor_removes', name, vendor);
	end loop;
end $$;

grant select, insert, update on regions, territory_assignments, fx_rates to partnerd_app;
grant select, insert, delete on region_countries to partnerd_app;
