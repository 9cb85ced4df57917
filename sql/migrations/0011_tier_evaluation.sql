-- SPDX-License-Identifier: Apache-2.0
--
-- Reviews of tiers: what partners are measured by (certifications of their people, figures that machines report), when they
-- are reviewed, and what came of it. Where a partner stands between reviews is in its own row.

alter table programs
	add column tier_review_months int not null default 3,
	add column tier_grace_reviews int not null default 2,
	add column tier_immunity_days int not null default 365,
	add constraint programs_tier_review_months_check check (tier_review_months in (1, 2, 3, 4, 6, 12)),
	add constraint programs_tier_grace_reviews_check check (tier_grace_reviews between 1 and 12),
	add constraint programs_tier_immunity_days_check check (tier_immunity_days between 0 and 3650);

-- failed_reviews: in a row; more than none is at risk. failed_period_on: the last period of which a failure was counted.
alter table partners
	add column failed_reviews int not null default 0,
	add column failed_period_on date,
	add column at_risk_since timestamptz,
	add column override_reason text,
	add column override_by_id uuid,
	add column override_from timestamptz,
	add column override_until timestamptz,
	add constraint partners_at_risk_check check ((failed_reviews > 0) = (at_risk_since is not null)),
	add constraint partners_override_check check (
		(override_reason is null and override_by_id is null and override_from is null and override_until is null)
		or (override_reason is not null and override_by_id is not null and override_from <= override_until));

-- ---- what partners are measured by ----

-- A certification belongs to a person. [awarded_on, expires_on) in the program's zone.
create table partner_certifications (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	user_id uuid not null,
	certification text not null,
	awarded_on date not null,
	expires_on date,
	revoked_at timestamptz,
	revocation_reason text,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_certifications_pkey primary key (program_id, id),
	constraint partner_certifications_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_certifications_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint partner_certifications_award_key unique (program_id, user_id, certification, awarded_on),
	constraint partner_certifications_period_check check (awarded_on < expires_on)
);

create index partner_certifications_by_partner on partner_certifications (program_id, partner_id, created_at, id);
create index partner_certifications_by_created on partner_certifications (program_id, created_at, id);
create index partner_certifications_by_award on partner_certifications (program_id, awarded_on, id);
create index partner_certifications_by_expiry on partner_certifications (program_id, expires_on, id);

-- A figure that is reported again for the same moment by the same source takes the place of the first, which stays.
create table partner_measurements (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	metric text not null,
	value bigint not null,
	measured_at timestamptz not null,
	source text not null,
	superseded_at timestamptz,
	recorded_by_id uuid not null,
	created_at timestamptz not null default now(),
	constraint partner_measurements_pkey primary key (program_id, id),
	constraint partner_measurements_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id)
);

create unique index partner_measurements_current_key
	on partner_measurements (program_id, partner_id, metric, measured_at, source) where superseded_at is null;
create index partner_measurements_by_metric on partner_measurements (program_id, partner_id, metric, measured_at desc)
	where superseded_at is null;
create index partner_measurements_by_partner on partner_measurements (program_id, partner_id, measured_at, id);
create index partner_measurements_by_measured on partner_measurements (program_id, measured_at, id);
create index partner_measurements_by_created on partner_measurements (program_id, created_at, id);

create index deals_closed_by_partner on deals (program_id, partner_id, closed_on) where status in ('won', 'lost');

-- ---- evaluations ----

-- All partners are reviewed once in a period (review_key); some of them, at any time. An evaluation of many partners goes on in batches:
-- cursor_id is the last partner that it has reviewed.
create table tier_evaluations (
	program_id uuid not null,
	id uuid not null,
	kind text not null,
	status text not null,
	period_on date not null,
	review_key date,
	cursor_id uuid,
	reviewed_count int not null default 0,
	upgraded_count int not null default 0,
	downgraded_count int not null default 0,
	at_risk_count int not null default 0,
	started_by_type text not null,
	started_by_id uuid not null,
	completed_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint tier_evaluations_pkey primary key (program_id, id),
	constraint tier_evaluations_program_fkey foreign key (program_id) references programs (id),
	constraint tier_evaluations_kind_check check (kind in ('all', 'selected')),
	constraint tier_evaluations_status_check check (status in ('running', 'completed')),
	constraint tier_evaluations_completed_check check ((status = 'completed') = (completed_at is not null))
);

create unique index tier_evaluations_review_key on tier_evaluations (program_id, review_key);
create index tier_evaluations_running on tier_evaluations (program_id, created_at) where status = 'running';
create index tier_evaluations_by_created on tier_evaluations (program_id, created_at, id);

create table tier_reviews (
	program_id uuid not null,
	id uuid not null,
	evaluation_id uuid not null,
	partner_id uuid not null,
	outcome text not null,
	from_tier_id uuid,
	to_tier_id uuid,
	earned_tier_id uuid,
	failed_reviews int not null,
	tiers jsonb not null,
	decision_id uuid not null,
	reviewed_at timestamptz not null,
	constraint tier_reviews_pkey primary key (program_id, id),
	constraint tier_reviews_evaluation_fkey foreign key (program_id, evaluation_id) references tier_evaluations (program_id, id),
	constraint tier_reviews_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint tier_reviews_once_key unique (program_id, evaluation_id, partner_id),
	constraint tier_reviews_outcome_check check (outcome in ('kept', 'upgraded', 'at_risk', 'downgraded', 'immune',
		'overridden'))
);

create index tier_reviews_by_partner on tier_reviews (program_id, partner_id, reviewed_at, id);
create index tier_reviews_by_time on tier_reviews (program_id, reviewed_at, id);

-- ---- walls ----

do $$
declare
	name text;
	rule text;
	tenant constant text := 'program_id = (select app_program())';
	own constant text := ' and ((select app_is_vendor()) or partner_id = (select app_partner()))';
begin
	for name, rule in values
		('partner_certifications', tenant || own),
		('partner_measurements', tenant || own),
		('tier_reviews', tenant || own),
		('tier_evaluations', tenant || ' and (select app_is_vendor())')
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (%s)', name || '_wall', name, rule);
	end loop;
end $$;

grant select, insert, update on partner_certifications, partner_measurements, tier_evaluations to partnerd_app;
grant select, insert on tier_reviews to partnerd_app;
