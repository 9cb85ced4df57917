-- SPDX-License-Identifier: Apache-2.0
--
-- The distributor a deal was bought through when it was approved, and what it gets, locked beside the partner's margin
-- (domain.md §5.15). What the channel cost in sum follows from these.

alter table deals
	add column distributor_id uuid,
	add column distributor_override_minor bigint,
	add constraint deals_distributor_fkey foreign key (program_id, distributor_id) references partners (program_id, id),
	add constraint deals_distributor_check check ((distributor_id is null) = (distributor_override_minor is null)
		and distributor_override_minor >= 0);

create index deals_by_distributor on deals (program_id, distributor_id) where distributor_id is not null;

alter table margin_quotes no force row level security;
update margin_quotes set vendor_side = vendor_side || '{"distributor_id": null}';
alter table margin_quotes force row level security;
