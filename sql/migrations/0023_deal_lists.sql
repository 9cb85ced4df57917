-- SPDX-License-Identifier: Apache-2.0
--
-- What the table of deals in somebody's browser asks for: an order for every column that has one, and a search.

create extension if not exists pg_trgm;
create extension if not exists btree_gin;

-- ---- orders and filters ----

-- A page is read along the index of its order, from where the page before has ended; the id breaks ties. Deals without the
-- value stand at the far end, as a keyset cannot compare with null; by CASE, because COALESCE is not known to be leakproof and
-- would be judged row by row.
create index deals_by_customer_name on deals (program_id, customer_name_key, id);
create index deals_by_expected_close on deals (program_id, (case when expected_close_on is null then 'infinity'::date else expected_close_on end), id);
create index deals_by_submitted on deals (program_id, (case when submitted_at is null then 'infinity'::timestamptz else submitted_at end), id);
create index deals_by_decision on deals (program_id, (case when decided_at is null then 'infinity'::timestamptz else decided_at end), id);
create index deals_by_protected on deals (program_id, (case when protected_until is null then 'infinity'::timestamptz else protected_until end), id);
create index deals_by_closed on deals (program_id, (case when closed_on is null then 'infinity'::date else closed_on end), id);
drop index deals_by_customer;

-- Few values, many deals each, some values rare: newest first within each value, as the list shows them.
create index deals_by_currency on deals (program_id, currency, created_at, id);
create index deals_by_country on deals (program_id, customer_country, created_at, id);
create index deals_by_tier on deals (program_id, tier_id, created_at, id);

-- ---- search ----

-- Row-level security comes before every condition that is not known to be leakproof, and LIKE is not: an index on deals could
-- never serve it. So what is searched stands in a table of its own whose wall holds the search itself: the pattern of
-- app.search, or everything when there is none. deals_search_ids (sql/functions/deal_search.sql) is the only one to set it.
create table deal_search (
	program_id uuid not null,
	deal_id uuid not null,
	partner_id uuid not null,
	search_key text not null,
	constraint deal_search_pkey primary key (program_id, deal_id),
	constraint deal_search_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id)
);

create or replace function deal_search_key(customer_name text, number text) returns text language sql immutable
	parallel safe as
$$ select ' ' || lower(customer_name) || ' ' || lower(number) $$;

insert into deal_search (program_id, deal_id, partner_id, search_key)
select d.program_id, d.id, d.partner_id, deal_search_key(d.customer_name, d.number) from deals d;

-- A short pending list: whoever fills it up has to sort it in, and every search reads it.
create index deal_search_by_text on deal_search using gin (program_id, search_key gin_trgm_ops)
	with (gin_pending_list_limit = 256);

create or replace function deal_search_keep() returns trigger language plpgsql as
$$
begin
	insert into deal_search (program_id, deal_id, partner_id, search_key)
	values (new.program_id, new.id, new.partner_id, deal_search_key(new.customer_name, new.number))
	on conflict (program_id, deal_id) do update
	set partner_id = excluded.partner_id, search_key = excluded.search_key;
	return null;
end $$;

create trigger deals_search_insert after insert on deals for each row execute function deal_search_keep();
create trigger deals_search_update after update of customer_name, number, partner_id on deals for each row
	when (old.customer_name is distinct from new.customer_name or old.number is distinct from new.number
		or old.partner_id is distinct from new.partner_id)
	execute function deal_search_keep();

alter table deal_search enable row level security;
alter table deal_search force row level security;
create policy deal_search_wall on deal_search using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner()))
	and search_key like (select coalesce(nullif(current_setting('app.search', true), ''), '%')))
	with check (program_id = (select app_program()) and ((select app_is_vendor()) or partner_id = (select app_partner())));
grant select, insert, update on deal_search to partnerd_app;
