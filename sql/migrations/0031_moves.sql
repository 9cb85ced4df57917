-- SPDX-License-Identifier: Apache-2.0
--
-- A partner is not its own distributor (domain.md §5.15), wherever its deals go.

alter table deals no force row level security;
update deals set distributor_id = null, distributor_override_minor = null where distributor_id = partner_id;
alter table deals force row level security;

alter table deals
	add constraint deals_own_distributor_check check (distributor_id is distinct from partner_id);
