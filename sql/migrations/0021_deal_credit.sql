-- SPDX-License-Identifier: Apache-2.0
--
-- Who has part in a deal: one partner brought it, others help. Shares are agreed before approval, which freezes what
-- each is credited with by the program's model and window; a deal that nobody shares is credited to its partner.

alter table programs
	add column attribution_model text not null default 'shared',
	add column attribution_window_days int not null default 365,
	add constraint programs_attribution_model_check check (attribution_model in ('sourced', 'shared', 'even')),
	add constraint programs_attribution_window_check check (attribution_window_days between 0 and 3650);

-- deal_number and customer_name are kept here for partners who do not see the deal.
create table deal_collaborators (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	partner_id uuid not null,
	deal_number text not null,
	customer_name text not null,
	contribution text not null,
	share_bps int not null,
	engaged_on date not null,
	note text,
	is_agreed boolean not null,
	currency text not null,
	credited_bps int,
	credited_minor bigint,
	won_minor bigint,
	attribution_model text,
	attribution_window_days int,
	credited_at timestamptz,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_collaborators_pkey primary key (program_id, id),
	constraint deal_collaborators_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_collaborators_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint deal_collaborators_partner_key unique (program_id, deal_id, partner_id),
	constraint deal_collaborators_contribution_check check (contribution in ('sourced', 'influenced')),
	constraint deal_collaborators_share_check check (share_bps between 0 and 10000),
	constraint deal_collaborators_credit_check check ((credited_at is null) = (credited_bps is null)
		and (credited_at is null) = (credited_minor is null) and credited_bps between 0 and 10000)
);

create index deal_collaborators_by_created on deal_collaborators (program_id, created_at, id);
create index deal_collaborators_by_partner on deal_collaborators (program_id, partner_id, created_at, id);

alter table deal_collaborators enable row level security;
alter table deal_collaborators force row level security;
create policy deal_collaborators_wall on deal_collaborators using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
grant select, insert, update, delete on deal_collaborators to partnerd_app;
