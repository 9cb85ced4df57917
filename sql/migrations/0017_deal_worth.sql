-- SPDX-License-Identifier: Apache-2.0
--
-- What a won deal is worth in the program's currency: the rate, its source and time are frozen with it (domain.md §5.9).
-- Deals without a rate at the time they were closed wait for one, and so do those of before the program changed its
-- currency.

alter table deals
	add column worth_minor bigint,
	add column worth_currency text,
	add column worth_conversion jsonb,
	add constraint deals_worth_check check (worth_minor is null or (worth_currency is not null and status = 'won'));

alter table deals no force row level security;
alter table programs no force row level security;
update deals d set worth_minor = d.actual_amount_minor, worth_currency = d.currency
from programs g
where d.status = 'won' and g.id = d.program_id and g.currency = d.currency;
alter table programs force row level security;
alter table deals force row level security;

create index deals_by_worth on deals (program_id, coalesce(worth_currency, ''), id) where status = 'won';
