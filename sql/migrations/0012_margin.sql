-- SPDX-License-Identifier: Apache-2.0
--
-- What is sold and for how much, the rules of margin, and quotes. Prices and rule sets are never edited once they count:
-- the one with the latest beginning that has come is in force, so that nothing has to be closed and no two can overlap.

-- ---- products and prices ----

create table products (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	description text,
	kind text not null,
	unit text not null,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint products_pkey primary key (program_id, id),
	constraint products_program_fkey foreign key (program_id) references programs (id),
	constraint products_key_key unique (program_id, key),
	constraint products_kind_check check (kind in ('licence', 'content', 'service')),
	constraint products_status_check check (status in ('active', 'retired'))
);

create index products_by_created on products (program_id, created_at, id);
create index products_by_name on products (program_id, name, id);

-- The list price of a unit for one period, and what a larger quantity makes of it.
create table product_prices (
	program_id uuid not null,
	id uuid not null,
	product_id uuid not null,
	currency text not null,
	unit_amount_minor bigint not null,
	volume_mode text not null default 'graduated',
	volume_bands jsonb not null default '[]',
	warnings jsonb not null default '[]',
	valid_from timestamptz not null,
	status text not null default 'published',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint product_prices_pkey primary key (program_id, id),
	constraint product_prices_product_fkey foreign key (program_id, product_id) references products (program_id, id),
	constraint product_prices_amount_check check (unit_amount_minor >= 0),
	constraint product_prices_mode_check check (volume_mode in ('graduated', 'slab')),
	constraint product_prices_status_check check (status in ('published', 'withdrawn'))
);

create unique index product_prices_valid_from_key on product_prices (program_id, product_id, currency, valid_from)
	where status = 'published';
create index product_prices_by_created on product_prices (program_id, created_at, id);
create index product_prices_by_valid_from on product_prices (program_id, valid_from, id);
create index product_prices_by_product on product_prices (program_id, product_id, created_at, id);

-- ---- rule sets ----

-- A draft has neither number nor time.
create table margin_rule_sets (
	program_id uuid not null,
	id uuid not null,
	name text not null,
	number int,
	status text not null default 'draft',
	currency text not null,
	rules jsonb not null default '[]',
	accelerators jsonb not null default '[]',
	quote_valid_days int not null default 30,
	distributor_override_bps int not null default 0,
	channel_cap_bps int,
	warnings jsonb not null default '[]',
	valid_from timestamptz,
	published_at timestamptz,
	published_by_id uuid,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint margin_rule_sets_pkey primary key (program_id, id),
	constraint margin_rule_sets_program_fkey foreign key (program_id) references programs (id),
	constraint margin_rule_sets_number_key unique (program_id, number),
	constraint margin_rule_sets_status_check check (status in ('draft', 'published', 'discarded')),
	constraint margin_rule_sets_published_check check ((status = 'published')
		= (number is not null and valid_from is not null and published_at is not null)),
	constraint margin_rule_sets_quote_valid_days_check check (quote_valid_days between 1 and 365),
	constraint margin_rule_sets_override_check check (distributor_override_bps between 0 and 10000),
	constraint margin_rule_sets_channel_cap_check check (channel_cap_bps between 0 and 10000)
);

create index margin_rule_sets_by_created on margin_rule_sets (program_id, created_at, id);
create index margin_rule_sets_in_force on margin_rule_sets (program_id, valid_from, number) where status = 'published';

-- ---- quotes ----

create sequence margin_quote_numbers;

-- A quote is never edited; a deal that names it has used it up.
create table margin_quotes (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	number text not null,
	customer_name text,
	customer_country text,
	currency text not null,
	terms jsonb not null,
	rating text,
	lines jsonb not null,
	list_minor bigint not null,
	discount_minor bigint not null,
	net_minor bigint not null,
	margin_bps int not null,
	margin_minor bigint not null,
	clipped_bps int not null,
	vendor_side jsonb not null,
	steps jsonb not null,
	tier_id uuid not null,
	rule_set_id uuid,
	rule_set_version int not null,
	decision_id uuid not null,
	valid_until timestamptz not null,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint margin_quotes_pkey primary key (program_id, id),
	constraint margin_quotes_partner_key unique (program_id, partner_id, id),
	constraint margin_quotes_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint margin_quotes_tier_fkey foreign key (program_id, tier_id) references tiers (program_id, id),
	constraint margin_quotes_rule_set_fkey foreign key (program_id, rule_set_id) references margin_rule_sets (program_id, id),
	constraint margin_quotes_number_key unique (program_id, number),
	constraint margin_quotes_sum_check check (list_minor - discount_minor = net_minor)
);

create index margin_quotes_by_created on margin_quotes (program_id, created_at, id);
create index margin_quotes_by_partner on margin_quotes (program_id, partner_id, created_at, id);
create index margin_quotes_by_valid_until on margin_quotes (program_id, valid_until, id);
create index margin_quotes_by_net on margin_quotes (program_id, net_minor, id);

-- ---- deals ----

-- What the partner does for the customer; rules of margin look at it.
alter table deals
	add column terms jsonb not null default '{"first_line_support": false, "onboarding_delivered": false, "white_label": false, "course_bundle": false, "annual_commitment_minor": null}',
	add column quote_id uuid,
	add constraint deals_quote_fkey foreign key (program_id, partner_id, quote_id)
		references margin_quotes (program_id, partner_id, id),
	add constraint deals_quote_key unique (program_id, quote_id);

create index deals_by_decided on deals (program_id, decided_at, id) where margin_decision_id is not null;

-- ---- walls ----

alter table products enable row level security;
alter table products force row level security;
create policy products_wall on products using (program_id = (select app_program()));
create policy products_vendor_adds on products as restrictive for insert with check ((select app_is_vendor()));
create policy products_vendor_writes on products as restrictive for update using ((select app_is_vendor()));

alter table product_prices enable row level security;
alter table product_prices force row level security;
create policy product_prices_wall on product_prices using (program_id = (select app_program()));
create policy product_prices_vendor_adds on product_prices as restrictive for insert with check ((select app_is_vendor()));
create policy product_prices_vendor_writes on product_prices as restrictive for update using ((select app_is_vendor()));

-- A partner's quote is worked out behind the partner's walls: it needs the rules that are published. The API shows a rule
-- set to the vendor's side only.
alter table margin_rule_sets enable row level security;
alter table margin_rule_sets force row level security;
create policy margin_rule_sets_wall on margin_rule_sets using (program_id = (select app_program())
	and ((select app_is_vendor()) or status = 'published'));
create policy margin_rule_sets_vendor_adds on margin_rule_sets as restrictive for insert
	with check ((select app_is_vendor()));
create policy margin_rule_sets_vendor_writes on margin_rule_sets as restrictive for update using ((select app_is_vendor()));

alter table margin_quotes enable row level security;
alter table margin_quotes force row level security;
create policy margin_quotes_wall on margin_quotes using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));

grant usage on sequence margin_quote_numbers to partnerd_app;
grant select, insert, update on products, product_prices, margin_rule_sets to partnerd_app;
grant select, insert on margin_quotes to partnerd_app;
