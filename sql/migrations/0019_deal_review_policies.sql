-- SPDX-License-Identifier: Apache-2.0
--
-- Who must approve deals, as data, and what was decided in steps.

-- What an approval asserts: no policy was changed since it was read. auto_approves: some policy does, so that others need
-- not look.
alter table programs
	add column policies_version int not null default 1,
	add column auto_approves boolean not null default false;

-- The round of a review begins anew when what was submitted changes: what was decided before was about something else.
alter table deals
	add column review_round int not null default 1,
	add column auto_check boolean not null default false;

create index deals_auto_check on deals (program_id, submitted_at, id) where auto_check;

create table deal_approval_policies (
	program_id uuid not null,
	id uuid not null,
	name text not null,
	position int not null,
	status text not null default 'active',
	currency text not null,
	conditions jsonb not null default '[]',
	steps jsonb not null default '[]',
	is_automatic boolean not null default false,
	escalation jsonb,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_approval_policies_pkey primary key (program_id, id),
	constraint deal_approval_policies_program_fkey foreign key (program_id) references programs (id),
	constraint deal_approval_policies_status_check check (status in ('active', 'retired')),
	constraint deal_approval_policies_position_check check (position between 1 and 1000000),
	constraint deal_approval_policies_automatic_check check (not is_automatic or steps = '[]')
);

create unique index deal_approval_policies_position_key on deal_approval_policies (program_id, position)
	where status = 'active';
create index deal_approval_policies_by_created on deal_approval_policies (program_id, created_at, id);

-- A step that somebody decided; of one and the same round of a review each step once.
create table deal_approvals (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	round int not null,
	policy_id uuid not null,
	policy_version int not null,
	step int not null,
	step_name text not null,
	decided_by_id uuid not null,
	decided_at timestamptz not null,
	comment text,
	constraint deal_approvals_pkey primary key (program_id, id),
	constraint deal_approvals_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_approvals_policy_fkey foreign key (program_id, policy_id)
		references deal_approval_policies (program_id, id),
	constraint deal_approvals_step_key unique (program_id, deal_id, round, policy_id, policy_version, step)
);

alter table deal_approval_policies enable row level security;
alter table deal_approval_policies force row level security;
create policy deal_approval_policies_wall on deal_approval_policies
	using (program_id = (select app_program()) and (select app_is_vendor()));
alter table deal_approvals enable row level security;
alter table deal_approvals force row level security;
create policy deal_approvals_wall on deal_approvals
	using (program_id = (select app_program()) and (select app_is_vendor()));
grant select, insert, update on deal_approval_policies to partnerd_app;
grant select, insert on deal_approvals to partnerd_app;
