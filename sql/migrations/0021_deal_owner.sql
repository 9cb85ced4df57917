-- SPDX-License-Identifier: Apache-2.0
--
-- Who works a deal on the partner's side.

alter table deals
	add column owner_id uuid,
	add constraint deals_owner_fkey foreign key (program_id, owner_id) references users (program_id, id);

create index deals_by_owner on deals (program_id, owner_id, created_at, id) where owner_id is not null;

grant update (partner_id) on deal_external_ids, decisions to partnerd_app;
