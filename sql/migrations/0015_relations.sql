-- SPDX-License-Identifier: Apache-2.0
--
-- The hierarchy: a partner buys through a distributor, from one instant to another. One parent at a time is a
-- constraint; that nobody is above themselves is asked under a lock (relation_create).

create extension if not exists btree_gist;

create table partner_relations (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid not null,
	parent_id uuid not null,
	valid_from timestamptz not null,
	valid_to timestamptz,
	end_reason text,
	created_by_id uuid not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint partner_relations_pkey primary key (program_id, id),
	constraint partner_relations_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint partner_relations_parent_fkey foreign key (program_id, parent_id) references partners (program_id, id),
	constraint partner_relations_itself_check check (partner_id <> parent_id),
	constraint partner_relations_period_check check (valid_from <= valid_to),
	constraint partner_relations_parent_excl exclude using gist (
		program_id with =, partner_id with =, tstzrange(valid_from, valid_to) with &&)
);

create index partner_relations_by_partner on partner_relations (program_id, partner_id, valid_from, id);
create index partner_relations_by_parent on partner_relations (program_id, parent_id, valid_from, id);
create index partner_relations_by_from on partner_relations (program_id, valid_from, id);

alter table programs
	add column distributor_visibility text not null default 'deals',
	add constraint programs_distributor_visibility_check check (distributor_visibility in ('none', 'partners', 'deals'));

-- The partners below one at present, at any depth. Looks past the wall of partners: who asks says for whom.
create function partners_below(top uuid) returns table (partner_id uuid, depth int) language plpgsql stable as
$$
declare
	now constant timestamptz := program_now();
	side constant text := current_setting('app.partner', true);
begin
	perform set_config('app.partner', '*', true);
	return query
		with recursive below as (
			select r.partner_id, 1 as depth from partner_relations r
			where r.program_id = app_program() and r.parent_id = top and r.valid_from <= now
				and (r.valid_to is null or r.valid_to > now)
			union all
			select r.partner_id, b.depth + 1 from below b
			join partner_relations r on r.program_id = app_program() and r.parent_id = b.partner_id
				and r.valid_from <= now and (r.valid_to is null or r.valid_to > now)
		)
		select b.partner_id, b.depth from below b;
	perform set_config('app.partner', coalesce(side, ''), true);
end $$;

-- Those whose partners, or also whose deals, the program lets a distributor see.
create function partners_shown_to(top uuid, kind text) returns uuid[] language plpgsql stable as
$$
begin
	if top is null or not exists (select from programs g where g.id = app_program()
		and (g.distributor_visibility = kind or g.distributor_visibility = 'deals'))
	then
		return '{}';
	end if;
	return array(select b.partner_id from partners_below(top) b);
end $$;

-- A relation is seen from both ends. A partner keeps its own rows; a distributor reads, and only reads, below itself.
alter table partner_relations enable row level security;
alter table partner_relations force row level security;
create policy partner_relations_wall on partner_relations using (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner()) or parent_id = (select app_partner())));
create policy partner_relations_vendor_adds on partner_relations as restrictive for insert
	with check ((select app_is_vendor()));
create policy partner_relations_vendor_writes on partner_relations as restrictive for update
	using ((select app_is_vendor()));
create policy partners_below on partners for select using (program_id = (select app_program())
	and id = any ((select partners_shown_to((select app_partner()), 'partners'))::uuid[]));
create policy deals_below on deals for select using (program_id = (select app_program())
	and partner_id = any ((select partners_shown_to((select app_partner()), 'deals'))::uuid[]));
grant select, insert, update on partner_relations to partnerd_app;
