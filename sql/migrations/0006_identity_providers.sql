-- SPDX-License-Identifier: Apache-2.0
--
-- Identity providers that a program trusts, and which of their subjects is which user.

-- checked_at, keys_read_at and fault are what an instance found when it last asked for the provider's keys; no edit. revision
-- grows when links are taken away: what instances remember of the provider's tokens is then looked up again.
create table identity_providers (
	program_id uuid not null,
	id uuid not null,
	name text not null,
	issuer text not null,
	audience text not null,
	status text not null default 'active',
	accepts_plain_jwt boolean not null,
	uses_token_scopes boolean not null,
	asserts_second_factor boolean not null,
	matches_verified_email boolean not null,
	creates_users boolean not null,
	role_claim text,
	role_rules jsonb not null,
	default_role text,
	partner_id uuid,
	partner_claim text,
	checked_at timestamptz,
	keys_read_at timestamptz,
	fault text,
	revision bigint not null default 1,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint identity_providers_pkey primary key (program_id, id),
	constraint identity_providers_program_fkey foreign key (program_id) references programs (id),
	constraint identity_providers_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	-- Issuer and audience of a token say which program it is for.
	constraint identity_providers_audience_key unique (issuer, audience),
	constraint identity_providers_status_check check (status in ('active', 'disabled')),
	constraint identity_providers_partner_check check (partner_id is null or partner_claim is null)
);

create index identity_providers_by_created on identity_providers (program_id, created_at, id);
create index identity_providers_by_partner on identity_providers (program_id, partner_id);

-- An unlinked row stays: its subject is not matched by rule again.
create table user_identities (
	program_id uuid not null,
	id uuid not null,
	user_id uuid not null,
	provider_id uuid not null,
	subject text not null,
	status text not null default 'linked',
	origin text not null,
	last_used_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint user_identities_pkey primary key (program_id, id),
	constraint user_identities_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint user_identities_provider_fkey foreign key (program_id, provider_id)
		references identity_providers (program_id, id),
	constraint user_identities_status_check check (status in ('linked', 'unlinked')),
	constraint user_identities_origin_check check (origin in ('linked', 'matched', 'created'))
);

create unique index user_identities_subject_key on user_identities (program_id, provider_id, subject)
	where status = 'linked';
create index user_identities_by_subject on user_identities (program_id, provider_id, subject);
create index user_identities_by_user on user_identities (program_id, user_id);
create index user_identities_by_created on user_identities (program_id, created_at, id);

alter table identity_providers enable row level security;
alter table identity_providers force row level security;
create policy identity_providers_wall on identity_providers
	using ((program_id = (select app_program()) and (select app_is_vendor())) or (select app_at_identity_door()));
alter table user_identities enable row level security;
alter table user_identities force row level security;
create policy user_identities_wall on user_identities
	using ((program_id = (select app_program()) and (select app_is_vendor())) or (select app_at_identity_door()));

grant select, insert, update on identity_providers to partnerd_app;
grant select, insert, update, delete on user_identities to partnerd_app;
