-- SPDX-License-Identifier: Apache-2.0
--
-- Files: declared, then filled once, then claimed by what uses them. partner_id is the partner that may see a file beside
-- the vendor's side: the one that declared it, or the one of what claimed it. Content stands in chunks under the attempt
-- that brought it; those of other attempts are nobody's.

create table files (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	status text not null default 'pending',
	name text not null,
	media_type text not null,
	size_bytes bigint not null,
	sha256 text not null,
	upload_id uuid,
	stored_at timestamptz,
	used_by_object text,
	used_by_id uuid,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	recorded_at timestamptz not null default now(), -- by the database's clock, whatever a sandbox's says
	constraint files_pkey primary key (program_id, id),
	constraint files_program_fkey foreign key (program_id) references programs (id),
	constraint files_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint files_status_check check (status in ('pending', 'stored')),
	constraint files_size_check check (size_bytes between 1 and 52428800),
	constraint files_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
	constraint files_stored_check check ((status = 'stored') = (upload_id is not null)
		and (upload_id is null) = (stored_at is null)),
	constraint files_used_check check ((used_by_object is null) = (used_by_id is null)
		and (used_by_id is null or status = 'stored'))
);

create index files_by_created on files (program_id, created_at, id);
create index files_by_partner on files (program_id, partner_id, created_at, id);
create index files_by_use on files (program_id, used_by_id) where used_by_id is not null;
create index files_unused on files (program_id, recorded_at) where used_by_id is null;

create table file_chunks (
	program_id uuid not null,
	file_id uuid not null,
	upload_id uuid not null,
	sequence int not null,
	bytes bytea not null,
	created_at timestamptz not null default now(),
	constraint file_chunks_pkey primary key (program_id, file_id, upload_id, sequence),
	constraint file_chunks_file_fkey foreign key (program_id, file_id) references files (program_id, id) on delete cascade,
	constraint file_chunks_bytes_check check (octet_length(bytes) between 1 and 262144)
);

alter table file_chunks alter column bytes set storage external;
create index file_chunks_by_created on file_chunks (program_id, created_at);

alter table files enable row level security;
alter table files force row level security;
create policy files_wall on files using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
alter table file_chunks enable row level security;
alter table file_chunks force row level security;
create policy file_chunks_wall on file_chunks using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from files f where f.program_id = file_chunks.program_id
		and f.id = file_chunks.file_id)));
grant select, insert, update, delete on files to partnerd_app;
grant select, insert, delete on file_chunks to partnerd_app;
