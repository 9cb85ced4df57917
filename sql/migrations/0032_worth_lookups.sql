-- SPDX-License-Identifier: Apache-2.0
--
-- The won deals by what their worth is in, none first, and by what it would be converted from: those that wait are found
-- in ranges of it, whatever the program's currency is. By CASE, because COALESCE is not known to be leakproof and no index
-- on it is used behind the walls.

drop index deals_by_worth;
create index deals_by_worth on deals (program_id, (case when worth_currency is null then '' else worth_currency end), currency,
	(case when closed_on is null then 'infinity'::date else closed_on end), id) where status = 'won';
