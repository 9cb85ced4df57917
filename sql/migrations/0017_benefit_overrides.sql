-- SPDX-License-Identifier: Apache-2.0
--
-- What a single partner is entitled to otherwise than by its tier, with a reason and an end. One that was called off before
-- it began has an empty period.

create table benefit_overrides (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	benefit_id uuid not null,
	value jsonb,
	reason text not null,
	valid_from timestamptz not null,
	valid_until timestamptz not null,
	end_reason text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint benefit_overrides_pkey primary key (program_id, id),
	constraint benefit_overrides_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint benefit_overrides_benefit_fkey foreign key (program_id, benefit_id) references benefits (program_id, id),
	constraint benefit_overrides_period_check check (valid_from <= valid_until),
	constraint benefit_overrides_one_excl exclude using gist (
		program_id with =,
		partner_id with =,
		benefit_id with =,
		tstzrange(valid_from, valid_until) with &&
	)
);

create index benefit_overrides_by_from on benefit_overrides (program_id, valid_from, id);
create index benefit_overrides_by_created on benefit_overrides (program_id, created_at, id);
create index benefit_overrides_by_partner on benefit_overrides (program_id, partner_id, valid_from, id);
create index benefit_overrides_by_benefit on benefit_overrides (program_id, benefit_id);

alter table benefit_overrides enable row level security;
alter table benefit_overrides force row level security;
create policy benefit_overrides_wall on benefit_overrides using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
create policy benefit_overrides_vendor_adds on benefit_overrides as restrictive for insert
	with check ((select app_is_vendor()));
create policy benefit_overrides_vendor_writes on benefit_overrides as restrictive for update using ((select app_is_vendor()));
grant select, insert, update on benefit_overrides to partnerd_app;
