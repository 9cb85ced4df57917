-- SPDX-License-Identifier: Apache-2.0
--
-- What a partner asks the vendor for while it works a deal: help, and a margin of its own. Both belong to the deal and follow
-- it. A special price is granted before the deal is approved, which then locks it; one is open at a time.

create table deal_help_requests (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	status text not null default 'requested',
	kind text not null,
	message text not null,
	needed_by_on date,
	assignee_id uuid,
	response text,
	answered_at timestamptz,
	completed_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_help_requests_pkey primary key (program_id, id),
	constraint deal_help_requests_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_help_requests_assignee_fkey foreign key (program_id, assignee_id) references users (program_id, id),
	constraint deal_help_requests_status_check check (status in ('requested', 'accepted', 'declined', 'completed',
		'withdrawn')),
	constraint deal_help_requests_kind_check check (kind in ('demo', 'technical', 'commercial', 'executive', 'legal',
		'training', 'other'))
);

create index deal_help_requests_by_deal on deal_help_requests (program_id, deal_id, created_at, id);
create index deal_help_requests_by_created on deal_help_requests (program_id, created_at, id);
create index deal_help_requests_by_assignee on deal_help_requests (program_id, assignee_id, created_at, id);

create table special_pricing_requests (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	status text not null default 'requested',
	requested_margin_bps int not null,
	reason text not null,
	competitor text,
	granted_margin_bps int,
	valid_until timestamptz,
	decision_comment text,
	decided_by_id uuid,
	decided_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint special_pricing_requests_pkey primary key (program_id, id),
	constraint special_pricing_requests_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint special_pricing_requests_status_check check (status in ('requested', 'approved', 'rejected', 'withdrawn')),
	constraint special_pricing_requests_margin_check check (requested_margin_bps between 1 and 10000
		and granted_margin_bps between 1 and 10000),
	constraint special_pricing_requests_approved_check check (status <> 'approved'
		or (granted_margin_bps is not null and valid_until is not null))
);

create unique index special_pricing_requests_open_key on special_pricing_requests (program_id, deal_id)
	where status = 'requested';
create index special_pricing_requests_by_deal on special_pricing_requests (program_id, deal_id, created_at, id);
create index special_pricing_requests_by_created on special_pricing_requests (program_id, created_at, id);

do $$
declare
	name text;
begin
	foreach name in array array['deal_help_requests', 'special_pricing_requests'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (program_id = (select app_program()) and ((select app_is_vendor())
			or exists (select from deals d where d.program_id = %I.program_id and d.id = %I.deal_id
				and d.partner_id = (select app_partner()))))', name || '_wall', name, name, name);
		execute format('grant select, insert, update on %I to partnerd_app', name);
	end loop;
end $$;
