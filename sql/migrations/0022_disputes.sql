-- SPDX-License-Identifier: Apache-2.0
--
-- Disputes about deals. What both sides may know of a dispute stands in disputes; what is one side's alone in
-- dispute_parties, behind that partner's wall, so that neither side can be shown who the other is. Evidence and bundles
-- are written for one audience each and never change.

create sequence dispute_numbers;

create table disputes (
	program_id uuid not null,
	id uuid not null,
	number text not null,
	status text not null default 'opened',
	ground text not null,
	opened_by text not null,
	evidence_due_at timestamptz,
	unfinished int not null default 1,
	evidence_closed_at timestamptz,
	bundled_at timestamptz,
	decision_due_at timestamptz,
	overdue_at timestamptz,
	outcome text,
	rule text,
	rule_reference text,
	decision_reason text,
	decision_id uuid,
	decided_at timestamptz,
	decided_by_id uuid,
	appeal_due_at timestamptz,
	appealed_at timestamptz,
	appealed_by text,
	appeal_outcome text,
	appeal_rule text,
	appeal_rule_reference text,
	appeal_decision_reason text,
	appeal_decision_id uuid,
	internal_note text,
	resolution text,
	closed_at timestamptz,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint disputes_pkey primary key (program_id, id),
	constraint disputes_program_fkey foreign key (program_id) references programs (id),
	constraint disputes_number_key unique (program_id, number),
	constraint disputes_status_check check (status in ('opened', 'evidence', 'decided', 'appealed', 'closed')),
	constraint disputes_ground_check check (ground in ('order_of_submission', 'rejection', 'conflict', 'protection', 'margin',
		'other')),
	constraint disputes_opened_by_check check (opened_by in ('partner', 'vendor')),
	constraint disputes_evidence_check check ((evidence_due_at is not null or status in ('opened', 'closed'))
		and unfinished between 0 and 2 and (bundled_at is null or evidence_closed_at is not null)),
	constraint disputes_decision_check check ((outcome is null) = (decided_at is null) and (outcome is null) = (rule is null)
		and (outcome is null or bundled_at is not null) and (appeal_outcome is null or appealed_at is not null)
		and (status <> 'decided' or outcome is not null) and (status <> 'appealed' or appealed_at is not null)),
	constraint disputes_closed_check check ((status = 'closed') = (closed_at is not null)
		and (closed_at is null) = (resolution is null)
		and resolution in ('withdrawn', 'decided', 'decided_on_appeal'))
);

create index disputes_by_created on disputes (program_id, created_at, id);
create index disputes_by_status on disputes (program_id, status, created_at, id);
create index disputes_by_evidence on disputes (program_id, evidence_due_at)
	where status = 'evidence' and evidence_closed_at is null;
create index disputes_by_decision on disputes (program_id, decision_due_at, id)
	where status in ('evidence', 'appealed') and overdue_at is null;
create index disputes_unbundled on disputes (program_id, evidence_closed_at)
	where evidence_closed_at is not null and bundled_at is null;

-- The claimant is whose deal the dispute is about; the respondent, if there is one, has the deal that stands against it.
create table dispute_parties (
	program_id uuid not null,
	dispute_id uuid not null,
	role text not null,
	partner_id uuid not null,
	deal_id uuid not null,
	statement text,
	desired_outcome text,
	finished_at timestamptz,
	appeal_reason text,
	constraint dispute_parties_pkey primary key (program_id, dispute_id, role),
	constraint dispute_parties_dispute_fkey foreign key (program_id, dispute_id) references disputes (program_id, id),
	constraint dispute_parties_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint dispute_parties_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint dispute_parties_role_check check (role in ('claimant', 'respondent'))
);

create index dispute_parties_by_partner on dispute_parties (program_id, partner_id, dispute_id);
create index dispute_parties_by_deal on dispute_parties (program_id, deal_id);

create table dispute_evidence (
	program_id uuid not null,
	id uuid not null,
	dispute_id uuid not null,
	audience text not null,
	submitted_by text not null,
	title text not null,
	text text,
	document_name text,
	document_media_type text,
	document_bytes bigint,
	document_sha256 text,
	created_by_id uuid not null,
	created_at timestamptz not null,
	constraint dispute_evidence_pkey primary key (program_id, id),
	constraint dispute_evidence_dispute_fkey foreign key (program_id, dispute_id) references disputes (program_id, id),
	constraint dispute_evidence_audience_check check (audience in ('vendor', 'claimant', 'respondent')
		and submitted_by in ('vendor', audience)),
	constraint dispute_evidence_content_check check (text is not null or document_sha256 is not null),
	constraint dispute_evidence_document_check check ((document_sha256 is null) = (document_name is null)
		and (document_sha256 is null) = (document_bytes is null))
);

create index dispute_evidence_by_dispute on dispute_evidence (program_id, dispute_id, created_at, id);
create index dispute_evidence_by_created on dispute_evidence (program_id, created_at, id);

-- What was known when the evidence closed, as one signed file for each audience (src/http/dispute_bundle.c).
create table dispute_bundles (
	program_id uuid not null,
	dispute_id uuid not null,
	audience text not null,
	sha256 text not null,
	signed_by text not null,
	content text not null,
	created_at timestamptz not null,
	constraint dispute_bundles_pkey primary key (program_id, dispute_id, audience),
	constraint dispute_bundles_dispute_fkey foreign key (program_id, dispute_id) references disputes (program_id, id),
	constraint dispute_bundles_audience_check check (audience in ('vendor', 'claimant', 'respondent'))
);

alter table programs
	add column dispute_evidence_days int not null default 14,
	add column dispute_decision_days int not null default 14,
	add column dispute_appeal_days int not null default 14,
	add constraint programs_dispute_days_check check (dispute_evidence_days between 1 and 365
		and dispute_decision_days between 1 and 365 and dispute_appeal_days between 0 and 365);

do $$
declare
	name text;
begin
	foreach name in array array['disputes', 'dispute_parties', 'dispute_evidence', 'dispute_bundles'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
	end loop;
end $$;

create policy dispute_parties_wall on dispute_parties using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));

-- A dispute is written before its parties are; it is seen by who is one of them.
create policy disputes_opened on disputes for insert with check (program_id = (select app_program()));
create policy disputes_seen on disputes for select using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from dispute_parties p
		where p.program_id = disputes.program_id and p.dispute_id = disputes.id and p.partner_id = (select app_partner()))));
create policy disputes_changed on disputes for update using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from dispute_parties p
		where p.program_id = disputes.program_id and p.dispute_id = disputes.id and p.partner_id = (select app_partner()))));

create policy dispute_evidence_wall on dispute_evidence using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from dispute_parties p where p.program_id = dispute_evidence.program_id
		and p.dispute_id = dispute_evidence.dispute_id and p.role = dispute_evidence.audience
		and p.partner_id = (select app_partner()))));
create policy dispute_bundles_wall on dispute_bundles using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from dispute_parties p where p.program_id = dispute_bundles.program_id
		and p.dispute_id = dispute_bundles.dispute_id and p.role = dispute_bundles.audience
		and p.partner_id = (select app_partner()))));

grant select, insert, update on disputes, dispute_parties to partnerd_app;
grant select, insert on dispute_evidence, dispute_bundles to partnerd_app;
grant usage on sequence dispute_numbers to partnerd_app;
