-- SPDX-License-Identifier: Apache-2.0
--
-- upheld_by: the dispute whose last decision said that the deal was rejected wrongly, at least in part; it may be reopened.
alter table deals
	add column upheld_by uuid,
	add constraint deals_upheld_fkey foreign key (program_id, upheld_by) references disputes (program_id, id);

alter table deals no force row level security; -- the owner looks past the walls
alter table disputes no force row level security;
alter table dispute_parties no force row level security;

update deals l set upheld_by = d.id
from disputes d join dispute_parties p on p.program_id = d.program_id and p.dispute_id = d.id and p.role = 'claimant'
where d.program_id = l.program_id and p.deal_id = l.id and d.status in ('decided', 'closed')
	and coalesce(d.appeal_outcome, d.outcome) in ('upheld', 'partly_upheld');

alter table dispute_parties force row level security;
alter table disputes force row level security;
alter table deals force row level security;
