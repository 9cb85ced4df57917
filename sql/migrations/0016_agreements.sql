-- SPDX-License-Identifier: Apache-2.0
--
-- What partners agree to, and whom to talk to.

-- An edition of an agreement: once published its words never change. text_hash is SHA-256 of the text and, when there is
-- one, a line feed and the SLA annex, in UTF-8.
create table agreement_templates (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	edition int not null,
	title text not null,
	text text not null,
	sla_annex text,
	text_hash text not null,
	status text not null default 'draft',
	published_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint agreement_templates_pkey primary key (program_id, id),
	constraint agreement_templates_program_fkey foreign key (program_id) references programs (id),
	constraint agreement_templates_edition_key unique (program_id, key, edition),
	constraint agreement_templates_status_check check (status in ('draft', 'published', 'retired')),
	constraint agreement_templates_published_check check ((status = 'draft') = (published_at is null))
);

create unique index agreement_templates_one_draft on agreement_templates (program_id, key) where status = 'draft';
create unique index agreement_templates_one_published on agreement_templates (program_id, key) where status = 'published';
create index agreement_templates_by_created on agreement_templates (program_id, created_at, id);

-- One edition put before one partner. What was signed, by whom, when and from where is evidence: it stays.
create table partner_agreements (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	template_id uuid not null,
	status text not null default 'offered',
	signatory_name text,
	signatory_title text,
	accepted_hash text,
	accepted_at timestamptz,
	accepted_by_id uuid,
	accepted_from text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_agreements_pkey primary key (program_id, id),
	constraint partner_agreements_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_agreements_template_fkey foreign key (program_id, template_id)
		references agreement_templates (program_id, id),
	constraint partner_agreements_status_check check (status in ('offered', 'accepted', 'superseded', 'withdrawn')),
	constraint partner_agreements_acceptance_check check ((status in ('accepted', 'superseded')) = (accepted_at is not null)
		and (accepted_at is null) = (signatory_name is null) and (accepted_at is null) = (accepted_hash is null)
		and (accepted_at is null) = (accepted_by_id is null))
);

create unique index partner_agreements_one_live on partner_agreements (program_id, partner_id, template_id)
	where status in ('offered', 'accepted');
create index partner_agreements_by_template on partner_agreements (program_id, template_id);
create index partner_agreements_by_partner on partner_agreements (program_id, partner_id, created_at, id);
create index partner_agreements_by_created on partner_agreements (program_id, created_at, id);

-- The agreement that a partner of the type has to accept before it is activated.
alter table partner_types add column agreement_key text;

-- People of a partner who need not be users.
create table partner_contacts (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	name text not null,
	email text,
	phone text,
	job_title text,
	purposes jsonb not null default '[]',
	language text,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_contacts_pkey primary key (program_id, id),
	constraint partner_contacts_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_contacts_status_check check (status in ('active', 'erased'))
);

create index partner_contacts_by_partner on partner_contacts (program_id, partner_id, created_at, id);
create index partner_contacts_by_created on partner_contacts (program_id, created_at, id);
create index partner_contacts_by_name on partner_contacts (program_id, name, id);
create index partner_contacts_by_purpose on partner_contacts using gin (purposes);

do $$
declare
	name text;
	rule text;
	own constant text :=
		'program_id = (select app_program()) and ((select app_is_vendor()) or partner_id = (select app_partner()))';
begin
	for name, rule in values
		('agreement_templates', 'program_id = (select app_program()) and ((select app_is_vendor()) or status <> ''draft'')'),
		('partner_agreements', own),
		('partner_contacts', own)
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (%s)', name || '_wall', name, rule);
	end loop;
end $$;

create policy agreement_templates_vendor_adds on agreement_templates as restrictive for insert
	with check ((select app_is_vendor()));
create policy agreement_templates_vendor_writes on agreement_templates as restrictive for update
	using ((select app_is_vendor()));
create policy partner_agreements_vendor_adds on partner_agreements as restrictive for insert
	with check ((select app_is_vendor()));
grant select, insert, update on agreement_templates, partner_agreements, partner_contacts to partnerd_app;
