-- SPDX-License-Identifier: Apache-2.0
--
-- Public keys of web forms. A key stands in a page that anybody can read: it lets an application in and nothing out, so it
-- is kept as it is and not hashed.

create table form_keys (
	program_id uuid not null,
	id uuid not null,
	name text not null,
	public_key text not null,
	allowed_origins jsonb not null default '[]',
	partner_types jsonb not null default '[]',
	daily_limit int not null default 200,
	status text not null default 'active',
	revoked_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint form_keys_pkey primary key (program_id, id),
	constraint form_keys_program_fkey foreign key (program_id) references programs (id),
	constraint form_keys_public_key_key unique (public_key),
	constraint form_keys_daily_limit_check check (daily_limit between 1 and 10000),
	constraint form_keys_status_check check (status in ('active', 'revoked')),
	constraint form_keys_revoked_check check ((status = 'revoked') = (revoked_at is not null))
);

create index form_keys_by_created on form_keys (program_id, created_at, id);
create index form_keys_by_name on form_keys (program_id, name, id);

alter table partner_applications
	add column form_key_id uuid,
	add constraint partner_applications_form_key_fkey foreign key (program_id, form_key_id)
		references form_keys (program_id, id);

create index partner_applications_by_form on partner_applications (program_id, form_key_id, created_at)
	where form_key_id is not null;

alter table form_keys enable row level security;
alter table form_keys force row level security;
create policy form_keys_wall on form_keys using (program_id = (select app_program()) and (select app_is_vendor()));
create policy form_keys_door on form_keys for select using ((select app_at_identity_door()));
grant select, insert, update on form_keys to partnerd_app;
