-- SPDX-License-Identifier: Apache-2.0
--
-- Companies apply to become partners. An application is the vendor's until its approval makes the partner and its first
-- user; it is found again by its website, its name within a country, and the applicant's address.

-- The host of a website as it is compared: lower case, without scheme, www, port and path.
create function website_host(website text) returns text language sql immutable parallel safe as
$$ select nullif(regexp_replace(lower(website), '^https?://(?:[^/?#@]*@)?(?:www\.)?([^/?#:]*).*$', '\1'), '') $$;

create sequence partner_application_numbers;

create table partner_applications (
	program_id uuid not null,
	id uuid not null,
	number text not null,
	status text not null,
	name text not null,
	name_key text not null generated always as (lower(name)) stored,
	legal_name text,
	type text not null,
	country text not null,
	website text,
	website_host text generated always as (website_host(website)) stored,
	industries jsonb not null default '[]',
	languages jsonb not null default '[]',
	regions jsonb not null default '[]',
	applicant_name text not null,
	applicant_email text not null,
	message text,
	external_ids jsonb not null default '{}',
	custom_fields jsonb not null default '{}',
	info_request text,
	decision_comment text,
	submitted_at timestamptz,
	decided_at timestamptz,
	reapply_from_at timestamptz,
	partner_id uuid,
	user_id uuid,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_applications_pkey primary key (program_id, id),
	constraint partner_applications_program_fkey foreign key (program_id) references programs (id),
	constraint partner_applications_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_applications_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint partner_applications_number_key unique (program_id, number),
	constraint partner_applications_email_check check (applicant_email = lower(applicant_email)),
	constraint partner_applications_status_check check (status in ('draft', 'submitted', 'in_review', 'info_requested',
		'approved', 'rejected', 'withdrawn')),
	constraint partner_applications_approval_check check ((status = 'approved') = (partner_id is not null)
		and (partner_id is null) = (user_id is null)),
	constraint partner_applications_rejection_check check ((status = 'rejected') = (reapply_from_at is not null))
);

create index partner_applications_by_created on partner_applications (program_id, created_at, id);
create index partner_applications_by_status on partner_applications (program_id, status, created_at, id);
create index partner_applications_by_name on partner_applications (program_id, name, id);
create index partner_applications_by_name_key on partner_applications (program_id, name_key, country);
create index partner_applications_by_host on partner_applications (program_id, website_host);
create index partner_applications_by_email on partner_applications (program_id, applicant_email);
create index partner_applications_by_partner on partner_applications (program_id, partner_id);

alter table partners
	add column name_key text not null generated always as (lower(name)) stored,
	add column website_host text generated always as (website_host(website)) stored;

create index partners_by_name_key on partners (program_id, name_key, country);
create index partners_by_host on partners (program_id, website_host);

alter table programs
	add column reapplication_days int not null default 90,
	add constraint programs_reapplication_days_check check (reapplication_days between 0 and 3650);

alter table partner_applications enable row level security;
alter table partner_applications force row level security;
create policy partner_applications_wall on partner_applications
	using (program_id = (select app_program()) and (select app_is_vendor()));
grant select, insert, update on partner_applications to partnerd_app;
grant usage on sequence partner_application_numbers to partnerd_app;
