-- SPDX-License-Identifier: Apache-2.0
--
-- A special price is granted for the deal as it is then: the round of its review (0019). What was granted before is taken
-- to be for the deal as it is now.

alter table special_pricing_requests add column deal_round int;

alter table deals no force row level security;
alter table special_pricing_requests no force row level security;

update special_pricing_requests r set deal_round = d.review_round
from deals d
where d.program_id = r.program_id and d.id = r.deal_id and r.granted_margin_bps is not null;

alter table special_pricing_requests force row level security;
alter table deals force row level security;

alter table special_pricing_requests add constraint special_pricing_requests_round_check
	check (status <> 'approved' or deal_round is not null);
