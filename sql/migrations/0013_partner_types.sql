-- SPDX-License-Identifier: Apache-2.0
--
-- What a type of partner starts with, and what more is known of a partner. The seven types are the trade's own words
-- (PartnerType of the contract); what they mean in a program is its data.

create table partner_types (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	earns text not null,
	commission_bps int,
	default_tier_id uuid,
	protection_days int,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_types_pkey primary key (program_id, id),
	constraint partner_types_program_fkey foreign key (program_id) references programs (id),
	constraint partner_types_default_tier_fkey foreign key (program_id, default_tier_id) references tiers (program_id, id),
	constraint partner_types_key_key unique (program_id, key),
	constraint partner_types_key_check check (key in ('reseller', 'referral', 'consultant', 'system_integrator',
		'training_partner', 'content_provider', 'distributor')),
	constraint partner_types_earns_check check (earns in ('margin', 'commission')),
	constraint partner_types_commission_check check ((earns = 'commission') = (commission_bps is not null)
		and commission_bps between 0 and 10000),
	constraint partner_types_protection_days_check check (protection_days between 1 and 730)
);

create index partner_types_by_name on partner_types (program_id, name, id);

-- The types of a program with what they ship with (domain.md §2 and §4); what is there already stays as it is.
create function partner_types_preset(program uuid) returns bigint language plpgsql as
$$
declare
	added bigint;
begin
	insert into partner_types (program_id, id, key, name, earns, commission_bps)
	select program, gen_random_uuid(), t.key, t.name, t.earns, t.commission_bps
	from (values
		('reseller', 'Reseller', 'margin', null::int),
		('referral', 'Referral partner', 'commission', 2000),
		('consultant', 'Consultant', 'commission', 1500),
		('system_integrator', 'System integrator', 'margin', null),
		('training_partner', 'Training partner', 'margin', null),
		('content_provider', 'Content provider', 'commission', 3000),
		('distributor', 'Distributor', 'margin', null)
	) t(key, name, earns, commission_bps)
	on conflict on constraint partner_types_key_key do nothing;
	get diagnostics added = row_count;
	return added;
end $$;

-- The owner has to look past the wall of the programs that are there already.
alter table programs no force row level security;
select partner_types_preset(g.id) from programs g;
alter table programs force row level security;

-- A partner sees the type it is of.
alter table partner_types enable row level security;
alter table partner_types force row level security;
create policy partner_types_wall on partner_types using (program_id = (select app_program())
	and ((select app_is_vendor()) or key = (select p.type from partners p where p.program_id = (select app_program())
		and p.id = (select app_partner()))));
create policy partner_types_vendor_adds on partner_types as restrictive for insert with check ((select app_is_vendor()));
create policy partner_types_vendor_writes on partner_types as restrictive for update using ((select app_is_vendor()));
grant select, insert, update on partner_types to partnerd_app;

alter table partners
	add column addresses jsonb not null default '[]',
	add column languages jsonb not null default '[]',
	add column regions jsonb not null default '[]',
	add column lead_capacity int,
	add constraint partners_lead_capacity_check check (lead_capacity >= 0);

create index partners_by_industry on partners using gin (industries);
create index partners_by_language on partners using gin (languages);
create index partners_by_region on partners using gin (regions);
