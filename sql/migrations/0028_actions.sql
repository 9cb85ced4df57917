-- SPDX-License-Identifier: Apache-2.0
--
-- What a deal's row says of what stands beside it, so that the list of what may be done with it reads no other table.
-- asks_price: a special price waits for its decision. beside_at: when something beside the row has last changed what may be
-- done, without a version of its own. approval_asked_until: until when who may approve had to be asked of the policies;
-- infinity while there are steps.
alter table programs
	add column approval_asked_until timestamptz;

alter table deals
	add column asks_price boolean not null default false,
	add column beside_at timestamptz;

alter table deals no force row level security; -- the owner looks past the walls
alter table special_pricing_requests no force row level security;
alter table deal_approval_policies no force row level security;
alter table programs no force row level security;

update deals d set asks_price = true
from special_pricing_requests r
where r.program_id = d.program_id and r.deal_id = d.id and r.status = 'requested';

update programs g set approval_asked_until = 'infinity'
where exists (select from deal_approval_policies p where p.program_id = g.id and p.status = 'active' and p.steps <> '[]');

alter table programs force row level security;
alter table deal_approval_policies force row level security;
alter table special_pricing_requests force row level security;
alter table deals force row level security;

create or replace function deal_price_asked() returns trigger language plpgsql as
$$
begin
	update deals d set asks_price = new.status = 'requested', beside_at = program_now()
	where d.program_id = new.program_id and d.id = new.deal_id;
	return null;
end $$;

create trigger special_prices_asked after insert or update of status on special_pricing_requests for each row
	execute function deal_price_asked();
