-- SPDX-License-Identifier: Apache-2.0
--
-- Fields that a program defines beyond what every deal has. What partners fill in and what is the vendor's own stand in
-- two columns of the deal, so that rows kept in events hide the vendor's as any other member of the vendor's.

create table custom_fields (
	program_id uuid not null,
	id uuid not null,
	of_object text not null,
	key text not null,
	label text not null,
	description text,
	kind text not null,
	choices jsonb not null default '[]',
	is_required boolean not null default false,
	visibility text not null default 'all',
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint custom_fields_pkey primary key (program_id, id),
	constraint custom_fields_program_fkey foreign key (program_id) references programs (id),
	constraint custom_fields_key_key unique (program_id, of_object, key),
	constraint custom_fields_object_check check (of_object in ('deal')),
	constraint custom_fields_kind_check check (kind in ('text', 'integer', 'number', 'boolean', 'date', 'choice',
		'multi_choice')),
	constraint custom_fields_choices_check check ((kind in ('choice', 'multi_choice')) = (choices <> '[]')),
	constraint custom_fields_required_check check (visibility = 'all' or not is_required),
	constraint custom_fields_visibility_check check (visibility in ('all', 'vendor')),
	constraint custom_fields_status_check check (status in ('active', 'retired'))
);

create index custom_fields_by_key on custom_fields (program_id, key, id);
create index custom_fields_by_created on custom_fields (program_id, created_at, id);

alter table custom_fields enable row level security;
alter table custom_fields force row level security;
create policy custom_fields_wall on custom_fields using (program_id = (select app_program())
	and ((select app_is_vendor()) or visibility = 'all'));
create policy custom_fields_vendor_adds on custom_fields as restrictive for insert with check ((select app_is_vendor()));
create policy custom_fields_vendor_writes on custom_fields as restrictive for update using ((select app_is_vendor()));
grant select, insert, update on custom_fields to partnerd_app;

alter table deals add column vendor_custom_fields jsonb not null default '{}';
