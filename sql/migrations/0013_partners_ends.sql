-- SPDX-License-Identifier: Apache-2.0
--
-- Why a partner was suspended or terminated, as a word that can be counted; and which partner a duplicate became.

alter table partners
	add column status_reason_code text,
	add column merged_into_id uuid,
	add constraint partners_status_reason_code_check check (status_reason_code in ('agreement_ended', 'payment_overdue',
		'compliance', 'brand_misuse', 'inactivity', 'non_performance', 'breach', 'insolvency', 'acquired', 'mutual',
		'duplicate', 'other')),
	add constraint partners_merged_into_fkey foreign key (program_id, merged_into_id) references partners (program_id, id),
	add constraint partners_merged_check check (merged_into_id is null
		or (status = 'terminated' and merged_into_id <> id));

create index partners_by_merged_into on partners (program_id, merged_into_id) where merged_into_id is not null;

-- A merge moves deals and the quotes that they lock together: whether they still belong together is asked at its end.
alter table deals alter constraint deals_quote_fkey deferrable initially immediate;
grant update (partner_id) on deal_external_ids, decisions to partnerd_app;
grant update (partner_id, version, updated_at) on margin_quotes to partnerd_app;
