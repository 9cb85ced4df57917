-- SPDX-License-Identifier: Apache-2.0
--
-- Erasing a person (domain.md §5.19), within the transaction that makes the user `erased`. A new table with something
-- personal in it needs a line in person_forget, or a reason in tests/sql/test_erasure_sql.py.

create or replace function erased_email(person uuid) returns text language sql immutable parallel safe as
$$ select person::text || '@erased.invalid' $$;

create or replace function erased_name() returns text language sql immutable parallel safe as
$$ select 'Erased user'::text $$;

-- A stored row of a resource about the person, with what it said of the person taken out.
create or replace function flat_erased(flat jsonb, person uuid) returns jsonb language sql immutable parallel safe as
$$
	select flat || coalesce((select jsonb_object_agg(e.key, case when flat->e.key = 'null' then flat->e.key else e.value end)
		from jsonb_each(jsonb_build_object('email', erased_email(person), 'name', erased_name(), 'user_name', erased_name(),
			'applicant_name', erased_name(), 'applicant_email', erased_email(person), 'subject', 'erased', 'phone', null,
			'message', null, 'last_signed_in_at', null, 'last_used_at', null)) e
		where flat ? e.key and (e.key <> 'name' or not flat ? 'applicant_name')), '{}')
$$;

-- Rows that are nothing but the person's: sessions and their tokens, identities, mail, what lets the person sign in,
-- the log of requests; and who it was that applied.
-- Most of them are seen at the identity door only.
create or replace function person_forget(program uuid, person uuid, mailbox text) returns boolean language plpgsql as
$$
begin
	perform set_config('app.door', 'identity', true);
	delete from refresh_tokens t where t.program_id = program and t.user_id = person;
	delete from sessions s where s.program_id = program and s.user_id = person;
	delete from user_tokens t where t.program_id = program and t.user_id = person;
	delete from mails m where m.program_id = program and m.user_id = person;
	delete from sign_in_challenges c where c.program_id = program and c.user_id = person;
	delete from second_factors f where f.program_id = program and f.user_id = person;
	delete from user_identities l where l.program_id = program and l.user_id = person;
	delete from api_requests q where q.program_id = program and q.actor_id = person;
	update partner_applications a set applicant_name = erased_name(), applicant_email = erased_email(person), message = null
	where a.program_id = program and a.user_id = person;
	delete from password_reset_requests r where r.email = mailbox
		and not exists (select from users o where o.email = mailbox and o.id <> person);
	perform set_config('app.door', '', true);
	return true;
end $$;

-- Takes up to `batch` addresses, and all content, from the entries that the erasure covers. Gives back how many rows.
create or replace function audit_erase(entry audit_entries, batch int) returns bigint language plpgsql as
$$
declare
	resources constant uuid[] := array(select jsonb_array_elements_text(entry.current->'resources')::uuid);
	contents bigint;
	addresses bigint;
begin
	perform set_config('app.erasure', entry.id::text, true);
	update audit_entries a set previous = null, current = null, content_salt = null
	where a.program_id = entry.program_id and a.resource_id = any (resources) and a.recorded_at < entry.recorded_at
		and a.previous is not null and a.action <> 'user.personal_data_erased';
	get diagnostics contents = row_count;
	update audit_entries a set address = null, address_salt = null
	where a.program_id = entry.program_id and a.id in (select o.id from audit_entries o
		where o.program_id = entry.program_id and o.actor_id = entry.resource_id and o.recorded_at < entry.recorded_at
			and o.format > 1 and o.address is not null limit batch);
	get diagnostics addresses = row_count;
	perform set_config('app.erasure', '', true);
	return contents + addresses;
end $$;

create or replace function events_erase(erasure uuid, program uuid, person uuid, resources uuid[]) returns boolean
language plpgsql as
$$
begin
	perform set_config('app.erasure', erasure::text, true);
	update events e set data = flat_erased(e.data, person), previous = flat_erased(e.previous, person)
	where e.program_id = program and e.resource_id = any (resources);
	perform set_config('app.erasure', '', true);
	return true;
end $$;

-- Appends the entry that covers, and empties what it covers; a very long history is left to persons_erase_on.
create or replace function person_erase(request jsonb, erasure uuid, program uuid, person uuid, partner uuid, mailbox text)
returns boolean language plpgsql as
$$
declare
	resources constant uuid[] := array(
		select person
		union
		select e.resource_id from events e
		where e.program_id = program and e.data ? 'user_id' and e.data->>'user_id' = person::text
			and e.resource_type in ('mail', 'user_identity', 'partner_certification', 'partner_application')
		union
		select l.id from user_identities l where l.program_id = program and l.user_id = person);
	entry audit_entries%rowtype;
begin
	perform sessions_end(program, person);
	perform access_cut(program, person);
	perform audit_append(request, erasure, 'user.personal_data_erased', 'user', person, null, partner, '{}',
		jsonb_build_object('resources', to_jsonb(resources)));
	perform person_forget(program, person, mailbox);
	perform events_erase(erasure, program, person, resources);
	select * into entry from audit_entries a where a.program_id = program and a.id = erasure;
	perform audit_erase(entry, 500);
	insert into erasures (program_id, user_id, entry_id, resources) values (program, person, erasure, resources);
	return true;
end $$;

-- Goes on with the erasures of some people that are not complete, `batch` addresses of each at a time. What the person was
-- still doing when it happened was recorded behind the entry that covers, and gets one of its own when nothing can follow
-- any more.
create or replace function persons_erase_on(request jsonb, people uuid[], batch int) returns bigint language plpgsql as
$$
declare
	open erasures%rowtype;
	entry audit_entries%rowtype;
	fresh_entry uuid;
	done bigint;
	total bigint := 0;
begin
	for open in select * from erasures x
		where x.program_id = app_program() and x.user_id = any(people) and x.completed_at is null
		order by x.erased_at for update skip locked
	loop
		select * into entry from audit_entries a where a.program_id = open.program_id and a.id = open.entry_id;
		done := audit_erase(entry, batch);
		total := total + done;
		continue when done > 0 or open.erased_at > now() - interval '1 minute';
		perform person_forget(open.program_id, open.user_id, null);
		if not exists (select from audit_entries a where a.program_id = open.program_id and a.actor_id = open.user_id
			and a.format > 1 and a.address is not null)
		then
			update erasures x set completed_at = now() where x.program_id = open.program_id and x.user_id = open.user_id;
		else
			fresh_entry := uuid_v7();
			perform audit_append(request, fresh_entry, 'user.personal_data_erased', 'user', open.user_id, null,
				entry.partner_id, '{}', jsonb_build_object('resources', to_jsonb(open.resources)));
			update erasures x set entry_id = fresh_entry
			where x.program_id = open.program_id and x.user_id = open.user_id;
		end if;
	end loop;
	return total;
end $$;
