-- SPDX-License-Identifier: Apache-2.0
--
-- The foundation: programs, tiers, partners, people and machine clients, deals, and the records every write leaves
-- behind (events, audit entries, decisions, idempotency keys).
--
-- Two rules hold for every table. A tenant's row carries program_id, the primary key is (program_id, id), and references
-- are composite, so that a reference across programs cannot be stored. And row-level security is forced: the application
-- role owns nothing and sees only what the walls of the transaction allow (app.program, app.partner, app.door).
--
-- Constraints are named <table>_<what>; src/db/sqlstate.c has a row for each.

do $$
begin
	if not exists (select from pg_roles where rolname = 'partnerd_app') then
		begin
			create role partnerd_app nologin;
		exception
			when duplicate_object or unique_violation then
				null; -- another database of this cluster made the role in the same moment
		end;
	end if;
	if not pg_has_role(current_user, 'partnerd_app', 'member') then
		execute format('grant partnerd_app to %I', current_user);
	end if;
end $$;

-- ---- the walls ----

create function app_program() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.program', true), '')::uuid $$;

create function app_is_vendor() returns boolean language sql stable parallel safe as
$$ select coalesce(current_setting('app.partner', true), '') = '*' $$;

create function app_partner() returns uuid language sql stable parallel safe as
$$ select nullif(nullif(current_setting('app.partner', true), ''), '*')::uuid $$;

create function app_at_identity_door() returns boolean language sql stable parallel safe as
$$ select coalesce(current_setting('app.door', true), '') = 'identity' $$;

-- ---- programs ----

create table programs (
	id uuid not null,
	slug text not null,
	name text not null,
	environment text not null default 'live',
	zone text not null default 'UTC',
	currency text not null default 'EUR',
	fiscal_year_start_month int not null default 1,
	protection_days int not null default 90,
	extension_days int not null default 30,
	max_extensions int not null default 1,
	claim_window_hours int not null default 48,
	urgent_claim_window_hours int not null default 24,
	margin_cap_bps int not null default 4500,
	test_now timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint programs_pkey primary key (id),
	constraint programs_slug_key unique (slug),
	constraint programs_environment_check check (environment in ('live', 'test')),
	constraint programs_fiscal_year_start_month_check check (fiscal_year_start_month between 1 and 12),
	constraint programs_protection_days_check check (protection_days between 1 and 730),
	constraint programs_margin_cap_bps_check check (margin_cap_bps between 0 and 10000),
	constraint programs_test_now_check check (test_now is null or environment = 'test')
);

-- The time by which a program lives: the test clock of a sandbox where it is set, else the transaction's.
-- Not in SQL: a body that cannot be put in place of the call is parsed and planned again by every statement that calls it;
-- plpgsql keeps its plans for the session.
create function program_now() returns timestamptz language plpgsql stable parallel safe as
$$
begin
	return coalesce((select p.test_now from programs p where p.id = app_program()), now());
end $$;

-- ---- tiers ----

create table tiers (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	rank int not null,
	status text not null default 'draft',
	floor_bps int not null,
	base_bps int not null,
	cap_bps int not null,
	benefits jsonb not null default '[]',
	requirements jsonb not null default '[]',
	published_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint tiers_pkey primary key (program_id, id),
	constraint tiers_program_fkey foreign key (program_id) references programs (id),
	constraint tiers_key_key unique (program_id, key),
	constraint tiers_rank_key unique (program_id, rank),
	constraint tiers_status_check check (status in ('draft', 'published', 'retired')),
	constraint tiers_margin_band_check check (0 <= floor_bps and floor_bps <= base_bps and base_bps <= cap_bps and cap_bps <= 10000)
);

-- ---- partners ----

create sequence partner_numbers;

create table partners (
	program_id uuid not null,
	id uuid not null,
	number text not null,
	name text not null,
	legal_name text,
	type text not null,
	status text not null default 'onboarding',
	status_reason text,
	tier_id uuid,
	country text not null,
	website text,
	industries jsonb not null default '[]',
	external_ids jsonb not null default '{}',
	custom_fields jsonb not null default '{}',
	activated_at timestamptz,
	terminated_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partners_pkey primary key (program_id, id),
	constraint partners_program_fkey foreign key (program_id) references programs (id),
	constraint partners_tier_fkey foreign key (program_id, tier_id) references tiers (program_id, id),
	constraint partners_number_key unique (program_id, number),
	constraint partners_status_check check (status in ('onboarding', 'active', 'suspended', 'terminated'))
);

create index partners_by_created on partners (program_id, created_at, id);
create index partners_by_name on partners (program_id, name, id);

create table partner_tier_changes (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	from_tier_id uuid,
	to_tier_id uuid not null,
	reason text,
	changed_by_id uuid not null,
	effective_at timestamptz not null,
	constraint partner_tier_changes_pkey primary key (program_id, id),
	constraint partner_tier_changes_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_tier_changes_from_tier_fkey foreign key (program_id, from_tier_id) references tiers (program_id, id),
	constraint partner_tier_changes_to_tier_fkey foreign key (program_id, to_tier_id) references tiers (program_id, id)
);

create index partner_tier_changes_by_partner on partner_tier_changes (program_id, partner_id, effective_at, id);

-- ---- people and machine clients ----

create table users (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	email text not null,
	name text not null,
	role text not null,
	password_hash text not null,
	status text not null default 'active',
	last_signed_in_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint users_pkey primary key (program_id, id),
	constraint users_program_fkey foreign key (program_id) references programs (id),
	constraint users_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint users_email_key unique (program_id, email),
	constraint users_email_check check (email = lower(email)),
	constraint users_status_check check (status in ('active', 'disabled')),
	constraint users_role_check check (case when partner_id is null
		then role in ('admin', 'partner_manager', 'reviewer', 'finance', 'support', 'viewer')
		else role in ('partner_admin', 'partner_member') end)
);

create index users_by_email on users (email);
create index users_by_created on users (program_id, created_at, id);

create table api_clients (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	name text not null,
	scopes text[] not null,
	secret_hash bytea not null,
	status text not null default 'active',
	last_used_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint api_clients_pkey primary key (program_id, id),
	constraint api_clients_id_key unique (id),
	constraint api_clients_program_fkey foreign key (program_id) references programs (id),
	constraint api_clients_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint api_clients_status_check check (status in ('active', 'revoked'))
);

create index api_clients_by_created on api_clients (program_id, created_at, id);
create index api_clients_by_name on api_clients (program_id, name, id);

-- Spent and live refresh tokens. A family is one sign-in; using a spent token revokes the family.
create table refresh_tokens (
	token_hash bytea not null,
	program_id uuid not null,
	user_id uuid not null,
	family_id uuid not null,
	issued_at timestamptz not null default now(),
	expires_at timestamptz not null,
	used_at timestamptz,
	revoked_at timestamptz,
	constraint refresh_tokens_pkey primary key (token_hash),
	constraint refresh_tokens_user_fkey foreign key (program_id, user_id) references users (program_id, id)
);

create index refresh_tokens_by_family on refresh_tokens (family_id);
create index refresh_tokens_by_user on refresh_tokens (program_id, user_id);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

-- Tokens of these principals (users, clients, sessions) issued at or before revoked_at are refused.
create table revocations (
	principal_id uuid not null,
	program_id uuid not null,
	revoked_at timestamptz not null default clock_timestamp(),
	constraint revocations_pkey primary key (principal_id)
);

create index revocations_by_time on revocations (revoked_at);

-- Keys that sign access tokens and checkpoints of the audit chain; they belong to the installation, not to a program.
create table signing_keys (
	kid text not null,
	alg text not null,
	private_pem text not null,
	public_jwk jsonb not null,
	state text not null,
	created_at timestamptz not null default now(),
	activated_at timestamptz,
	retired_at timestamptz,
	constraint signing_keys_pkey primary key (kid),
	constraint signing_keys_state_check check (state in ('next', 'active', 'retiring', 'retired'))
);

create unique index signing_keys_one_active on signing_keys (state) where state = 'active';
create unique index signing_keys_one_next on signing_keys (state) where state = 'next';

-- One row: what all instances on this database must agree on without being told.
create table installation (
	id boolean not null default true,
	secret bytea not null,
	constraint installation_pkey primary key (id),
	constraint installation_id_check check (id)
);

insert into installation (secret)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- ---- deals ----

create sequence deal_numbers;

create table deals (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	number text not null,
	status text not null,
	customer_name text not null,
	customer_name_key text not null generated always as (lower(customer_name)) stored,
	customer_country text,
	customer_website text,
	customer_tax_id text,
	customer_contact_name text,
	customer_contact_email text,
	amount_minor bigint not null,
	currency text not null,
	expected_close_on date,
	description text,
	line_items jsonb not null default '[]',
	external_ids jsonb not null default '{}',
	custom_fields jsonb not null default '{}',
	tier_id uuid,
	margin_bps int,
	margin_minor bigint,
	margin_decision_id uuid,
	submitted_at timestamptz,
	decided_at timestamptz,
	decision_comment text,
	review_note text,
	info_request text,
	protection_starts_at timestamptz,
	protection_expires_at timestamptz,
	closed_on date,
	closed_at timestamptz,
	actual_amount_minor bigint,
	lost_reason text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deals_pkey primary key (program_id, id),
	constraint deals_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint deals_tier_fkey foreign key (program_id, tier_id) references tiers (program_id, id),
	constraint deals_number_key unique (program_id, number),
	constraint deals_amount_check check (amount_minor >= 0),
	constraint deals_status_check check (status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold',
		'approved', 'rejected', 'withdrawn', 'won', 'lost', 'expired', 'cancelled')),
	constraint deals_approval_check check (status not in ('approved', 'won') or
		(margin_bps is not null and margin_minor is not null and protection_expires_at is not null)),
	constraint deals_protection_check check (protection_starts_at < protection_expires_at)
);

-- One index for each way a list is sorted; the ties of every sort are broken by id.
create index deals_by_partner on deals (program_id, partner_id, created_at, id);
create index deals_by_created on deals (program_id, created_at, id);
create index deals_by_status on deals (program_id, status, created_at, id);
create index deals_by_updated on deals (program_id, updated_at, id);
create index deals_by_amount on deals (program_id, amount_minor, id);
create index deals_by_customer on deals (program_id, customer_name_key);
create index deals_by_protection on deals (program_id, protection_expires_at) where status = 'approved';

-- One foreign id names one deal of a partner: a script that runs twice cannot register twice, whatever its keys.
create table deal_external_ids (
	program_id uuid not null,
	partner_id uuid not null,
	source text not null,
	external_id text not null,
	deal_id uuid not null,
	constraint deal_external_ids_pkey primary key (program_id, partner_id, source, external_id),
	constraint deal_external_ids_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id)
);

create index deal_external_ids_by_deal on deal_external_ids (program_id, deal_id);
create index deal_external_ids_by_id on deal_external_ids (program_id, source, external_id);

-- ---- what every write leaves behind ----

-- What happened, as the resource looked right after it. Shares its id with the audit entry of the same write, whose
-- sequence number is the event's place in the feed.
create table events (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	type text not null,
	occurred_at timestamptz not null,
	actor_type text not null,
	actor_id uuid not null,
	client_id uuid,
	resource_type text not null,
	resource_id uuid not null,
	resource_version int not null,
	decision_id uuid,
	data jsonb not null,
	previous jsonb not null,
	constraint events_pkey primary key (program_id, id)
);

create index events_by_resource on events (program_id, resource_id, occurred_at, id);
create index events_by_time on events (program_id, occurred_at);

-- The ledger. An entry is written once, with its own hash, in the transaction of the change; a sealer gives committed
-- entries their sequence number and chains them (domain.md §5.19). content_hash stands in entry_hash in place of the
-- content, so that personal data can be erased without breaking the chain.
create table audit_entries (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	recorded_at timestamptz not null default clock_timestamp(),
	occurred_at timestamptz not null,
	actor_type text not null,
	actor_id uuid not null,
	client_id uuid,
	address text,
	request_id uuid,
	action text not null,
	resource_type text not null,
	resource_id uuid,
	resource_version int,
	previous jsonb not null,
	current jsonb not null,
	content_hash bytea not null,
	entry_hash bytea not null,
	seq bigint,
	prev_hash bytea,
	hash bytea,
	constraint audit_entries_pkey primary key (program_id, id),
	constraint audit_entries_sealed_check check ((seq is null) = (hash is null) and (seq is null) = (prev_hash is null))
);

-- No number twice and no fork; an entry that is not sealed costs its writer neither.
create unique index audit_entries_seq_key on audit_entries (program_id, seq) where seq is not null;
create unique index audit_entries_prev_hash_key on audit_entries (program_id, prev_hash) where prev_hash is not null;
create index audit_entries_unsealed on audit_entries (program_id, recorded_at, id) where seq is null;
create index audit_entries_by_time on audit_entries (program_id, occurred_at, id);
create index audit_entries_by_resource on audit_entries (program_id, resource_id);

-- The head of the chain at a moment, signed: a chain whose tail was cut no longer reaches its last checkpoint.
create table audit_checkpoints (
	program_id uuid not null,
	seq bigint not null,
	hash bytea not null,
	signature text not null,
	created_at timestamptz not null default now(),
	constraint audit_checkpoints_pkey primary key (program_id, seq)
);

-- Why a rule answered as it did.
create table decisions (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	kind text not null,
	resource_type text not null,
	resource_id uuid not null,
	rule_set text not null,
	rule_set_version int not null,
	steps jsonb not null,
	outcome jsonb not null,
	inputs jsonb not null,
	created_at timestamptz not null,
	constraint decisions_pkey primary key (program_id, id)
);

-- A keyed command that succeeded: its answer is the event's data.
create table idempotency_keys (
	program_id uuid not null,
	principal_id uuid not null,
	key text not null,
	fingerprint text not null,
	event_id uuid not null,
	created_at timestamptz not null default now(),
	constraint idempotency_keys_pkey primary key (program_id, principal_id, key)
);

create index idempotency_keys_by_time on idempotency_keys (created_at);

-- ---- row-level security ----

do $$
declare
	name text;
	rule text;
	vendor_or_own constant text := '((select app_is_vendor()) or %s = (select app_partner()))';
	tenant constant text := 'program_id = (select app_program())';
	door constant text := '(select app_at_identity_door())';
begin
	for name, rule in values
		('programs', format('id = (select app_program()) or %s', door)),
		('tiers', tenant || ' and ((select app_is_vendor()) or status <> ''draft'')'),
		('partners', format('(%s and %s) or %s', tenant, format(vendor_or_own, 'id'), door)),
		('partner_tier_changes', tenant || ' and ' || format(vendor_or_own, 'partner_id')),
		('users', format('(%s and %s) or %s', tenant, format(vendor_or_own, 'partner_id'), door)),
		('api_clients', format('(%s and %s) or %s', tenant, format(vendor_or_own, 'partner_id'), door)),
		('refresh_tokens', door),
		('revocations', format('%s or %s', tenant, door)),
		('signing_keys', door),
		('installation', door),
		('deals', tenant || ' and ' || format(vendor_or_own, 'partner_id')),
		('deal_external_ids', tenant || ' and ' || format(vendor_or_own, 'partner_id')),
		('events', tenant || ' and ' || format(vendor_or_own, 'partner_id')),
		('decisions', tenant || ' and ' || format(vendor_or_own, 'partner_id')),
		('audit_checkpoints', tenant),
		('idempotency_keys', tenant)
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (%s)', name || '_wall', name, rule);
	end loop;
end $$;

-- Partners read the program and its tiers; only the vendor's side writes them.
create policy programs_vendor_writes on programs as restrictive for update
	using ((select app_is_vendor()) or (select app_at_identity_door()));
create policy tiers_vendor_adds on tiers as restrictive for insert with check ((select app_is_vendor()));
create policy tiers_vendor_writes on tiers as restrictive for update using ((select app_is_vendor()));

-- The ledger is append-only for the application: it may insert, read, and seal what is not sealed, nothing else.
alter table audit_entries enable row level security;
alter table audit_entries force row level security;
create policy audit_entries_read on audit_entries for select using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
create policy audit_entries_append on audit_entries for insert with check (program_id = (select app_program())
	and seq is null);
create policy audit_entries_seal on audit_entries for update using (program_id = (select app_program())
	and seq is null) with check (program_id = (select app_program()));

grant usage on schema public to partnerd_app;
grant usage on sequence deal_numbers, partner_numbers to partnerd_app;
grant select, insert, update on programs, tiers, partners, users, api_clients, refresh_tokens, revocations, signing_keys,
	deals to partnerd_app;
grant select on installation to partnerd_app;
grant select, insert on partner_tier_changes, events, decisions, audit_checkpoints, audit_entries to partnerd_app;
grant select, insert, delete on idempotency_keys, deal_external_ids to partnerd_app;
grant delete on refresh_tokens, revocations to partnerd_app;
grant update (seq, prev_hash, hash) on audit_entries to partnerd_app;
