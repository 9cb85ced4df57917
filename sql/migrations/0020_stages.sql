-- SPDX-License-Identifier: Apache-2.0
--
-- How a deal is worked: the program's list of stages with their probability, and its list of reasons for which deals are
-- lost. Both are data with words that ship (domain.md §4). A deal keeps when it came into which stage.

create table deal_stages (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	position int not null,
	probability_bps int not null,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint deal_stages_pkey primary key (program_id, id),
	constraint deal_stages_program_fkey foreign key (program_id) references programs (id),
	constraint deal_stages_key_key unique (program_id, key),
	constraint deal_stages_position_key unique (program_id, position),
	constraint deal_stages_position_check check (position between 1 and 1000),
	constraint deal_stages_probability_bps_check check (probability_bps between 0 and 10000),
	constraint deal_stages_status_check check (status in ('active', 'retired'))
);

create index deal_stages_by_name on deal_stages (program_id, name, id);

create table lost_reasons (
	program_id uuid not null,
	id uuid not null,
	key text not null,
	name text not null,
	status text not null default 'active',
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint lost_reasons_pkey primary key (program_id, id),
	constraint lost_reasons_program_fkey foreign key (program_id) references programs (id),
	constraint lost_reasons_key_key unique (program_id, key),
	constraint lost_reasons_status_check check (status in ('active', 'retired'))
);

create index lost_reasons_by_name on lost_reasons (program_id, name, id);

alter table deals
	add column stage_id uuid,
	add column stage_entered_at timestamptz,
	add column next_step text,
	add column next_step_due_on date,
	add column lost_reason_id uuid,
	add constraint deals_stage_fkey foreign key (program_id, stage_id) references deal_stages (program_id, id),
	add constraint deals_lost_reason_fkey foreign key (program_id, lost_reason_id) references lost_reasons (program_id, id),
	add constraint deals_stage_check check ((stage_id is null) = (stage_entered_at is null));

create index deals_by_stage on deals (program_id, stage_id, created_at, id) where stage_id is not null;
create index deals_by_next_step on deals (program_id, next_step_due_on, id) where next_step_due_on is not null;

-- The way of a deal through the stages. Rows follow their deal, to whomever it goes.
create table deal_stage_changes (
	program_id uuid not null,
	id uuid not null,
	deal_id uuid not null,
	stage_id uuid,
	entered_at timestamptz not null,
	constraint deal_stage_changes_pkey primary key (program_id, id),
	constraint deal_stage_changes_deal_fkey foreign key (program_id, deal_id) references deals (program_id, id),
	constraint deal_stage_changes_stage_fkey foreign key (program_id, stage_id) references deal_stages (program_id, id)
);

create index deal_stage_changes_by_deal on deal_stage_changes (program_id, deal_id, entered_at, id);

create function deal_stage_entered() returns trigger language plpgsql as
$$
begin
	new.stage_entered_at := case when new.stage_id is not null then program_now() end;
	insert into deal_stage_changes (program_id, id, deal_id, stage_id, entered_at)
	values (new.program_id, gen_random_uuid(), new.id, new.stage_id, program_now());
	return new;
end $$;

create trigger deals_stage_entered before update of stage_id on deals for each row
	when (old.stage_id is distinct from new.stage_id) execute function deal_stage_entered();

-- What ships; what is there already stays as it is.
create function deal_words_preset(program uuid) returns bigint language plpgsql as
$$
declare
	added bigint;
begin
	insert into deal_stages (program_id, id, key, name, position, probability_bps)
	select program, gen_random_uuid(), t.key, t.name, t.position, t.probability_bps
	from (values
		('qualified', 'Qualified', 10, 1000),
		('discovery', 'Needs understood', 20, 2500),
		('demo', 'Demonstrated', 30, 4000),
		('proposal', 'Proposal sent', 40, 6000),
		('negotiation', 'In negotiation', 50, 8000),
		('verbal_commitment', 'Promised', 60, 9000)
	) t(key, name, position, probability_bps)
	where not exists (select from deal_stages s where s.program_id = program);
	get diagnostics added = row_count;
	insert into lost_reasons (program_id, id, key, name)
	select program, gen_random_uuid(), t.key, t.name
	from (values
		('price', 'Price'),
		('competitor', 'A competitor was chosen'),
		('no_budget', 'No budget'),
		('no_decision', 'No decision was made'),
		('timing', 'Not now'),
		('missing_feature', 'Something is missing in the product'),
		('kept_present_system', 'Stayed with the present system'),
		('other', 'Another reason')
	) t(key, name)
	on conflict on constraint lost_reasons_key_key do nothing;
	return added;
end $$;

-- The owner has to look past the wall of the programs that are there already.
alter table programs no force row level security;
select deal_words_preset(g.id) from programs g;
alter table programs force row level security;

-- Everybody of the program reads the words; the vendor's side writes them.
do $$
declare
	name text;
begin
	foreach name in array array['deal_stages', 'lost_reasons'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (program_id = (select app_program()))', name || '_wall', name);
		execute format('create policy %I on %I as restrictive for insert with check ((select app_is_vendor()))',
			name || '_vendor_adds', name);
		execute format('create policy %I on %I as restrictive for update using ((select app_is_vendor()))',
			name || '_vendor_writes', name);
		execute format('grant select, insert, update on %I to partnerd_app', name);
	end loop;
end $$;

alter table deal_stage_changes enable row level security;
alter table deal_stage_changes force row level security;
create policy deal_stage_changes_wall on deal_stage_changes using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from deals d where d.program_id = deal_stage_changes.program_id
		and d.id = deal_stage_changes.deal_id)));
grant select, insert on deal_stage_changes to partnerd_app;
