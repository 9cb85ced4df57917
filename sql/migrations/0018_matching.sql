-- SPDX-License-Identifier: Apache-2.0
--
-- Who is registered for which customer, who was first, and whose account it is (domain.md §5.5).
--
-- The keys by which a customer is known again are computed by the server (src/domain/customer.c) and stand beside the
-- deal. Those of deals that live (open, or protected) are in a partial index, so that looking for them costs the same
-- however many deals there have been. What is serialised is one key, by an advisory lock, never a program.

create sequence deal_claim_numbers;

-- product_ids: what the registration is for; none: everything. claim_number: the place in the order of submission, given
-- under the lock of the keys; claim_entry_id: the entry of the ledger that proves it.
alter table deals
	add column customer_duns text,
	add column product_ids uuid[] not null default '{}',
	add column customer_match text not null default 'none',
	add column claim_number bigint,
	add column claimed_at timestamptz,
	add column claim_entry_id uuid,
	add constraint deals_customer_match_check check (customer_match in ('none', 'review', 'conflict')),
	add constraint deals_claim_check check ((claim_number is null) = (claimed_at is null)
		and (claim_number is null) = (claim_entry_id is null));

create index deals_by_customer_match on deals (program_id, customer_match, created_at, id) where customer_match <> 'none';

-- A word's key ends with the country, or with nothing when that is not known: 'acme DE', 'acme '.
create table deal_keys (
	program_id uuid not null,
	deal_id uuid not null,
	partner_id uuid not null,
	kind text not null,
	key text collate "C" not null,
	is_live boolean not null,
	constraint deal_keys_pkey primary key (program_id, deal_id, kind, key),
	constraint deal_keys_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_keys_kind_check check (kind in ('tax_id', 'duns', 'domain', 'word'))
);

create index deal_keys_live on deal_keys (program_id, kind, key, deal_id) where is_live;

-- One row for each exact key and product of a deal that is or was protected. Two deals never have a key, a product, a
-- country and an instant in common, whatever the code above this does. is_live: it may still keep somebody waiting.
create table deal_protections (
	program_id uuid not null,
	deal_id uuid not null,
	partner_id uuid not null,
	kind text not null,
	key text collate "C" not null,
	product_id uuid,
	country text,
	period tstzrange not null,
	is_live boolean not null,
	constraint deal_protections_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_protections_overlap_excl exclude using gist (
		program_id with =,
		kind with =,
		key with =,
		deal_id with <>,
		uuid_span(product_id, product_id, '[]') with &&,
		text_span(country, country, '[]') with &&,
		period with &&
	)
);

create index deal_protections_by_deal on deal_protections (program_id, deal_id);
create index deal_protections_by_end on deal_protections (program_id, upper(period)) where is_live;

-- What a registration was found to be like when it was placed. deal_id is the later one.
create table deal_matches (
	program_id uuid not null,
	deal_id uuid not null,
	other_deal_id uuid not null,
	kind text not null,
	matched_on jsonb not null,
	similarity_bps int,
	found_at timestamptz not null,
	constraint deal_matches_pkey primary key (program_id, deal_id, other_deal_id),
	constraint deal_matches_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_matches_other_fkey foreign key (program_id, other_deal_id) references deals (program_id, id),
	constraint deal_matches_kind_check check (kind in ('conflict', 'review'))
);

create index deal_matches_by_other on deal_matches (program_id, other_deal_id);

-- An account that more than one wants. Open as long as somebody waits.
create table deal_conflicts (
	program_id uuid not null,
	id uuid not null,
	status text not null default 'open',
	winner_deal_id uuid,
	rule text,
	reason text,
	resolved_by_id uuid,
	ended_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	constraint deal_conflicts_pkey primary key (program_id, id),
	constraint deal_conflicts_program_fkey foreign key (program_id) references programs (id),
	constraint deal_conflicts_winner_fkey foreign key (program_id, winner_deal_id) references deals (program_id, id),
	constraint deal_conflicts_status_check check (status in ('open', 'resolved', 'closed')),
	constraint deal_conflicts_ended_check check ((status = 'open') = (ended_at is null)),
	constraint deal_conflicts_resolved_check check ((status = 'resolved') = (winner_deal_id is not null)
		and (status = 'resolved') = (reason is not null) and (status = 'resolved') = (rule is not null))
);

create index deal_conflicts_by_created on deal_conflicts (program_id, created_at, id);
create index deal_conflicts_by_status on deal_conflicts (program_id, status, created_at, id);

create table deal_conflict_deals (
	program_id uuid not null,
	conflict_id uuid not null,
	deal_id uuid not null,
	joined_at timestamptz not null,
	constraint deal_conflict_deals_pkey primary key (program_id, conflict_id, deal_id),
	constraint deal_conflict_deals_conflict_fkey foreign key (program_id, conflict_id) references deal_conflicts (program_id, id),
	constraint deal_conflict_deals_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id)
);

create index deal_conflict_deals_by_deal on deal_conflict_deals (program_id, deal_id);

-- Keys and protections are the partner's whose deal it is; who matches whom is the vendor's.
do $$
declare
	name text;
	rule text;
	vendor_or_own constant text := ' and ((select app_is_vendor()) or partner_id = (select app_partner()))';
begin
	for name, rule in values
		('deal_keys', vendor_or_own),
		('deal_protections', vendor_or_own),
		('deal_matches', ' and (select app_is_vendor())'),
		('deal_conflicts', ' and (select app_is_vendor())'),
		('deal_conflict_deals', ' and (select app_is_vendor())')
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (program_id = (select app_program())%s)', name || '_wall', name, rule);
	end loop;
end $$;

grant usage on sequence deal_claim_numbers to partnerd_app;
grant select, insert, update, delete on deal_keys, deal_protections, deal_matches to partnerd_app;
grant select, insert, update on deal_conflicts to partnerd_app;
grant select, insert on deal_conflict_deals to partnerd_app;
