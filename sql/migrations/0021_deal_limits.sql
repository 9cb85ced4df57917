-- SPDX-License-Identifier: Apache-2.0
--
-- How many registrations a partner may have open at once: for the whole program, for a tier, for one partner; the
-- narrower limit counts. A limit that is over stays, so that what was refused can be explained.

create table deal_limits (
	program_id uuid not null,
	id uuid not null,
	tier_id uuid,
	partner_id uuid,
	open_limit int not null,
	reason text,
	starts_at timestamptz not null,
	ends_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_limits_pkey primary key (program_id, id),
	constraint deal_limits_program_fkey foreign key (program_id) references programs (id),
	constraint deal_limits_tier_fkey foreign key (program_id, tier_id) references tiers (program_id, id),
	constraint deal_limits_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint deal_limits_target_check check (tier_id is null or partner_id is null),
	constraint deal_limits_period_check check (starts_at <= ends_at),
	constraint deal_limits_open_check check (open_limit >= 0),
	-- One at a time for each of what there is to limit.
	constraint deal_limits_one_excl exclude using gist (
		program_id with =,
		coalesce(partner_id, tier_id, program_id) with =,
		tstzrange(starts_at, ends_at) with &&
	)
);

create index deal_limits_by_created on deal_limits (program_id, created_at, id);
create index deal_limits_by_partner on deal_limits (program_id, partner_id);
create index deal_limits_by_tier on deal_limits (program_id, tier_id);

-- A partner's registration is judged behind the partner's walls: it needs the limits that concern it. The API shows
-- them to the vendor's side only.
alter table deal_limits enable row level security;
alter table deal_limits force row level security;
create policy deal_limits_wall on deal_limits using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id is null or partner_id = (select app_partner())));
create policy deal_limits_vendor_adds on deal_limits as restrictive for insert with check ((select app_is_vendor()));
create policy deal_limits_vendor_writes on deal_limits as restrictive for update using ((select app_is_vendor()));
grant select, insert, update on deal_limits to partnerd_app;

-- What is open is few among all deals: counted without touching the others.
create index deals_open_by_partner on deals (program_id, partner_id)
	where status in ('submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved');
