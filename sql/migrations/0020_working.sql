-- SPDX-License-Identifier: Apache-2.0
--
-- What people keep beside a deal: notes and documents, internal ones for the vendor's side alone. They have no partner of
-- their own: they belong to the deal and follow it, to whomever it goes. What is removed leaves its row and loses its text.

create table deal_notes (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	visibility text not null,
	body text,
	is_by_vendor boolean not null default app_is_vendor(),
	removed_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_notes_pkey primary key (program_id, id),
	constraint deal_notes_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_notes_visibility_check check (visibility in ('internal', 'shared')),
	constraint deal_notes_internal_check check (is_by_vendor or visibility = 'shared'),
	constraint deal_notes_removed_check check ((removed_at is null) = (body is not null))
);

create index deal_notes_by_deal on deal_notes (program_id, deal_id, created_at, id);
create index deal_notes_by_created on deal_notes (program_id, created_at, id);

create table deal_documents (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	file_id uuid not null,
	kind text not null,
	title text not null,
	visibility text not null,
	is_by_vendor boolean not null default app_is_vendor(),
	removed_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_documents_pkey primary key (program_id, id),
	constraint deal_documents_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_documents_file_fkey foreign key (program_id, file_id) references files (program_id, id),
	constraint deal_documents_file_key unique (program_id, file_id),
	constraint deal_documents_kind_check check (kind in ('offer', 'contract', 'purchase_order', 'requirements', 'presentation',
		'other')),
	constraint deal_documents_visibility_check check (visibility in ('internal', 'shared')),
	constraint deal_documents_internal_check check (is_by_vendor or visibility = 'shared')
);

create index deal_documents_by_deal on deal_documents (program_id, deal_id, created_at, id);
create index deal_documents_by_created on deal_documents (program_id, created_at, id);

do $$
declare
	name text;
begin
	foreach name in array array['deal_notes', 'deal_documents'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (program_id = (select app_program()) and ((select app_is_vendor())
			or (visibility = ''shared'' and exists (select from deals d where d.program_id = %I.program_id
				and d.id = %I.deal_id and d.partner_id = (select app_partner())))))', name || '_wall', name, name, name);
		execute format('grant select, insert, update on %I to partnerd_app', name);
	end loop;
end $$;

-- The partner that may read a shared document is always the deal's.
create function deal_files_follow() returns trigger language plpgsql as
$$
begin
	update files f set partner_id = new.partner_id, version = f.version + 1
	from deal_documents x
	where x.program_id = new.program_id and x.deal_id = new.id and x.visibility = 'shared' and x.removed_at is null
		and f.program_id = x.program_id and f.id = x.file_id;
	return null;
end $$;

create trigger deals_files_follow after update of partner_id on deals for each row
	when (old.partner_id <> new.partner_id) execute function deal_files_follow();

-- Which deal an event is about: the deal itself, or whatever names one.
alter table events add column deal_id uuid generated always as (case when resource_type = 'deal' then resource_id
	when data->>'deal_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (data->>'deal_id')::uuid end) stored;

create index events_by_deal on events (program_id, deal_id, occurred_at, id) where deal_id is not null;
