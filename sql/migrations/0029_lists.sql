-- SPDX-License-Identifier: Apache-2.0
--
-- What else the tables in somebody's browser ask for; each index is as those of 0023_deal_lists.sql are.

-- ---- deals: orders and filters ----

-- Deals without the value stand at the far end, as in the other orders: the index has them, too.
drop index deals_by_review_due;
create index deals_by_review_due on deals (program_id, (case when review_due_at is null then 'infinity'::timestamptz else review_due_at end), id);
drop index deals_by_next_step;
create index deals_by_next_step on deals (program_id, (case when next_step_due_on is null then 'infinity'::date else next_step_due_on end), id);

-- Also of deals that are no longer approved: a filter looks at the end of protection alone.
drop index deals_by_protection;
create index deals_by_protection on deals (program_id, protection_expires_at, id) where protection_expires_at is not null;

create index deals_by_lost_reason on deals (program_id, lost_reason_id, created_at, id) where lost_reason_id is not null;
create index deals_by_earning on deals (program_id, earns, created_at, id) where earns is not null;

-- The queue of those who approve: few of many, the longest wait first.
create index deals_to_decide on deals (program_id, submitted_at, id) where status in ('submitted', 'in_review');

-- ---- contacts ----

create index partner_contacts_by_email on partner_contacts (program_id, email) where email is not null;

-- ---- deals: by product ----

-- Containment in an array is not leakproof, so no index on deals could serve it behind the walls.
create table deal_products (
	program_id uuid not null,
	deal_id uuid not null,
	product_id uuid not null,
	partner_id uuid not null,
	constraint deal_products_pkey primary key (program_id, deal_id, product_id),
	constraint deal_products_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id)
);

-- The owner has to look past the wall of the deals that are there already.
alter table deals no force row level security;
insert into deal_products (program_id, deal_id, product_id, partner_id)
select distinct d.program_id, d.id, p.id, d.partner_id from deals d cross join unnest(d.product_ids) p(id);
alter table deals force row level security;

create index deal_products_by_product on deal_products (program_id, product_id, deal_id);

create function deal_products_keep() returns trigger language plpgsql as
$$
begin
	delete from deal_products e where e.program_id = new.program_id and e.deal_id = new.id
		and e.product_id <> all(new.product_ids);
	insert into deal_products (program_id, deal_id, product_id, partner_id)
	select distinct new.program_id, new.id, p.id, new.partner_id from unnest(new.product_ids) p(id)
	on conflict (program_id, deal_id, product_id) do update set partner_id = excluded.partner_id;
	return null;
end $$;

create trigger deals_products_insert after insert on deals for each row when (new.product_ids <> '{}')
	execute function deal_products_keep();
create trigger deals_products_update after update of product_ids, partner_id on deals for each row
	when (old.product_ids is distinct from new.product_ids
		or (old.partner_id <> new.partner_id and new.product_ids <> '{}'))
	execute function deal_products_keep();

alter table deal_products enable row level security;
alter table deal_products force row level security;
create policy deal_products_wall on deal_products using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner())));
grant select, insert, update, delete on deal_products to partnerd_app;
