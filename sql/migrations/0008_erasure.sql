-- SPDX-License-Identifier: Apache-2.0
--
-- Erasing what is known of a person. Ids stay, so that deals, decisions and totals are what they were; the ledger loses
-- the content of entries about the person and the address of entries the person made, and keeps their hashes. An erasure
-- is an entry of the chain itself and names what it covers: whatever else is missing was taken by somebody else.
--
-- The application may do this and no more: a guard compares each row it empties with the erasure it is emptied for. Who
-- owns the database is not held off by a guard; that is what the chain is for.

alter table audit_entries
	alter column previous drop not null,
	alter column current drop not null,
	add constraint audit_entries_content_check check ((previous is null) = (current is null));

-- What an erasure has still to do when its request is answered: a long history goes in batches (job erase).
create table erasures (
	program_id uuid not null,
	user_id uuid not null,
	entry_id uuid not null,
	resources uuid[] not null,
	erased_at timestamptz not null default now(),
	completed_at timestamptz,
	constraint erasures_pkey primary key (program_id, user_id),
	constraint erasures_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint erasures_entry_fkey foreign key (program_id, entry_id) references audit_entries (program_id, id)
);

create index erasures_open on erasures (program_id, erased_at) where completed_at is null;

alter table erasures enable row level security;
alter table erasures force row level security;
create policy erasures_wall on erasures using (program_id = (select app_program()) and (select app_is_vendor()));
grant select, insert, update on erasures to partnerd_app;

-- Resources that are about one person, and whose rows say so.
create index events_by_person on events (program_id, (data->>'user_id')) where data ? 'user_id';

-- The entry that covers what is being erased in this transaction, or null.
create function app_erasure() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.erasure', true), '')::uuid $$;

create policy audit_entries_erase on audit_entries for update
	using (program_id = (select app_program()) and (select app_is_vendor()) and (select app_erasure()) is not null)
	with check (program_id = (select app_program()));
create policy events_erase on events for update
	using (program_id = (select app_program()) and (select app_is_vendor()) and (select app_erasure()) is not null)
	with check (program_id = (select app_program()));
grant update (previous, current, content_salt, address, address_salt) on audit_entries to partnerd_app;
grant update (data, previous) on events to partnerd_app;

create function erasure_required() returns trigger language plpgsql as
$$
begin
	if app_erasure() is null then
		raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege';
	end if;
	return null;
end $$;

-- An entry loses its address to the erasure of who made it, its content to the erasure of whom it is about. What an
-- erasure says stays for ever.
create function audit_erasure_guard() returns trigger language plpgsql as
$$
declare
	kept constant text[] := '{previous,current,content_salt,address,address_salt}';
	is_content_same constant boolean := (new.previous, new.current, new.content_salt)
		is not distinct from (old.previous, old.current, old.content_salt);
	is_address_same constant boolean := (new.address, new.address_salt) is not distinct from (old.address, old.address_salt);
begin
	if not exists (
		select from audit_entries x
		where x.program_id = old.program_id and x.id = app_erasure() and x.action = 'user.personal_data_erased'
			and x.recorded_at > old.recorded_at and to_jsonb(new) - kept = to_jsonb(old) - kept
			and (is_content_same or (num_nonnulls(new.previous, new.current, new.content_salt) = 0
				and old.action <> x.action and x.current->'resources' ? old.resource_id::text))
			and (is_address_same or (num_nonnulls(new.address, new.address_salt) = 0 and old.format > 1
				and x.resource_id = old.actor_id)))
	then
		raise exception 'no erasure covers this entry' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;

create function event_erasure_guard() returns trigger language plpgsql as
$$
begin
	if not exists (
		select from audit_entries x
		where x.program_id = old.program_id and x.id = app_erasure() and x.action = 'user.personal_data_erased'
			and x.current->'resources' ? old.resource_id::text
			and to_jsonb(new) - '{data,previous}'::text[] = to_jsonb(old) - '{data,previous}'::text[])
	then
		raise exception 'no erasure covers this event' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;

create trigger audit_entries_append_only before update of previous, current, content_salt, address, address_salt
	on audit_entries for each statement when (current_user = 'partnerd_app') execute function erasure_required();
create trigger audit_entries_erasure_unsealed before update of previous, current, content_salt, address, address_salt
	on audit_entries for each row when (old.seq is null and current_user = 'partnerd_app')
	execute function audit_erasure_guard();
create trigger audit_entries_erasure before update on audit_entries for each row
	when (old.seq is not null and current_user = 'partnerd_app') execute function audit_erasure_guard();
create trigger events_append_only before update on events for each statement
	when (current_user = 'partnerd_app') execute function erasure_required();
create trigger events_erasure before update on events for each row
	when (current_user = 'partnerd_app') execute function event_erasure_guard();
