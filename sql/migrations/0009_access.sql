-- SPDX-License-Identifier: Apache-2.0
--
-- Two tables stood open to every partner of the program, behind statements that ask for no foreign row. The wall is now
-- theirs, too: idempotency keys belong to the side of their principal, checkpoints of the ledger to the vendor's.

alter table idempotency_keys add column partner_id uuid default app_partner();

-- Keys from before live for another week at most. Their principals say whose they are; the owner has to look past the
-- walls for that.
alter table idempotency_keys no force row level security;
alter table users no force row level security;
alter table api_clients no force row level security;
update idempotency_keys k set partner_id = p.partner_id
from (select program_id, id, partner_id from users union all select program_id, id, partner_id from api_clients) p
where p.program_id = k.program_id and p.id = k.principal_id and p.partner_id is not null;
alter table idempotency_keys force row level security;
alter table users force row level security;
alter table api_clients force row level security;

alter policy idempotency_keys_wall on idempotency_keys using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
alter policy audit_checkpoints_wall on audit_checkpoints using (program_id = (select app_program())
	and (select app_is_vendor()));
