-- SPDX-License-Identifier: Apache-2.0
--
-- Imports: a file of registrations, read into rows, tried, then registered one by one by a job.

-- partner_id is the partner whose import it is, null for the vendor's. The actor is who asked for what is being done now;
-- its rights are looked up when it is done. lease_until, by the database's clock, keeps a second process away.
create table imports (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	status text not null default 'created',
	file_id uuid not null,
	format text not null,
	external_source text,
	skips_unknown_columns boolean not null default false,
	size_bytes bigint not null,
	read_bytes bigint not null default 0,
	columns text[],
	rows_total int not null default 0,
	rows_valid int not null default 0,
	rows_invalid int not null default 0,
	rows_registered int not null default 0,
	rows_existing int not null default 0,
	rows_failed int not null default 0,
	problem jsonb,
	actor_type text,
	actor_id uuid,
	lease_until timestamptz,
	validated_at timestamptz,
	started_at timestamptz,
	finished_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint imports_pkey primary key (program_id, id),
	constraint imports_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint imports_file_fkey foreign key (program_id, file_id) references files (program_id, id),
	constraint imports_status_check check (status in ('created', 'validating', 'validated', 'running', 'completed', 'cancelled',
		'failed')),
	constraint imports_format_check check (format in ('csv', 'ndjson'))
);

create index imports_by_created on imports (program_id, created_at, id);
create index imports_by_partner on imports (program_id, partner_id, created_at, id);
create index imports_by_file on imports (program_id, file_id);
create index imports_due on imports (program_id, lease_until) where status in ('validating', 'running');

-- external_key: what names the same registration in another system, to find it twice in one file.
create table import_rows (
	program_id uuid not null,
	import_id uuid not null,
	line int not null,
	id uuid not null,
	status text not null,
	body jsonb,
	external_key text,
	deal_id uuid,
	problem jsonb,
	constraint import_rows_pkey primary key (program_id, import_id, line),
	constraint import_rows_import_fkey foreign key (program_id, import_id) references imports (program_id, id),
	constraint import_rows_status_check check (status in ('read', 'valid', 'invalid', 'registered', 'existing', 'failed'))
);

create index import_rows_by_status on import_rows (program_id, import_id, status, line);
create index import_rows_by_key on import_rows (program_id, import_id, external_key) where external_key is not null;

alter table imports enable row level security;
alter table imports force row level security;
create policy imports_wall on imports using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
alter table import_rows enable row level security;
alter table import_rows force row level security;
create policy import_rows_wall on import_rows using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from imports i where i.program_id = import_rows.program_id
		and i.id = import_rows.import_id)));
grant select, insert, update on imports, import_rows to partnerd_app;
