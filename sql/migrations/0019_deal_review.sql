-- SPDX-License-Identifier: Apache-2.0
--
-- Deadlines of deals and extensions of their protection (domain.md §5.6).

alter table programs
	add column extension_grace_days int not null default 5,
	add column expiry_notice_days int[] not null default '{14,3}',
	add column review_days int not null default 5,
	add constraint programs_extension_grace_days_check check (extension_grace_days between 0 and 20),
	add constraint programs_expiry_notice_days_check check (cardinality(expiry_notice_days) <= 5
		and array_position(expiry_notice_days, null) is null and 1 <= all (expiry_notice_days)
		and 365 >= all (expiry_notice_days)),
	add constraint programs_review_days_check check (review_days between 0 and 60);

-- Kept by the trigger deals_clocks: when the review has to be done, and when somebody is to be told next that protection
-- ends.
alter table deals
	add column review_due_at timestamptz,
	add column review_escalated_at timestamptz,
	add column next_notice_at timestamptz;

create index deals_by_review_due on deals (program_id, review_due_at) where review_due_at is not null;
create index deals_review_overdue on deals (program_id, review_due_at)
	where review_due_at is not null and review_escalated_at is null;
create index deals_by_next_notice on deals (program_id, next_notice_at) where next_notice_at is not null;

-- Whose an extension is, its deal says: a deal that goes to another partner takes them along.
create table deal_extensions (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	status text not null default 'requested',
	days int not null,
	reason text not null,
	granted_days int,
	extends_from timestamptz not null,
	extends_to timestamptz not null,
	decision_comment text,
	decided_by_id uuid,
	decided_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_extensions_pkey primary key (program_id, id),
	constraint deal_extensions_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_extensions_days_check check (days > 0 and granted_days > 0),
	constraint deal_extensions_order_check check (extends_from < extends_to),
	constraint deal_extensions_status_check check (status in ('requested', 'approved', 'rejected', 'withdrawn')),
	constraint deal_extensions_decided_check check ((status = 'requested') = (decided_at is null)
		and (status = 'approved') = (granted_days is not null))
);

create unique index deal_extensions_one_open on deal_extensions (program_id, deal_id) where status = 'requested';
create index deal_extensions_by_deal on deal_extensions (program_id, deal_id, created_at, id);
create index deal_extensions_by_created on deal_extensions (program_id, created_at, id);

alter table deal_extensions enable row level security;
alter table deal_extensions force row level security;
create policy deal_extensions_wall on deal_extensions using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from deals d
		where d.program_id = deal_extensions.program_id and d.id = deal_extensions.deal_id)));
grant select, insert, update on deal_extensions to partnerd_app;
