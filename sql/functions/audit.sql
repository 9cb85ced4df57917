-- SPDX-License-Identifier: Apache-2.0
--
-- The hash chain of the ledger. Writers append entries that carry their own hash and never wait for each other; one
-- sealer per program (an advisory lock is its lease) chains what has been committed and gives it its sequence number.

-- What the entry's hash covers: everything in it; the content and the address by hashes of their own, so that they can be
-- erased. Stable, not immutable, so that the planner may put the bodies of these in place of the calls. An export is
-- verified without a database: src/http/ledger_file.c computes the same.
create or replace function audit_entry_hash(entry audit_entries) returns bytea language sql stable parallel safe as
$$
	select sha256(convert_to((case entry.format
		when 1 then jsonb_build_array(entry.program_id, entry.id, entry.partner_id,
			(extract(epoch from entry.recorded_at) * 1000000)::bigint, (extract(epoch from entry.occurred_at) * 1000000)::bigint,
			entry.actor_type, entry.actor_id, entry.client_id, entry.address, entry.request_id, entry.action,
			entry.resource_type, entry.resource_id, entry.resource_version, encode(entry.content_hash, 'hex'))
		else jsonb_build_array(entry.format, entry.program_id, entry.id, entry.partner_id,
			(extract(epoch from entry.recorded_at) * 1000000)::bigint, (extract(epoch from entry.occurred_at) * 1000000)::bigint,
			entry.actor_type, entry.actor_id, entry.client_id, encode(entry.address_hash, 'hex'), entry.request_id, entry.action,
			entry.resource_type, entry.resource_id, entry.resource_version, encode(entry.content_hash, 'hex'))
		end)::text, 'UTF8'))
$$;

create or replace function audit_content_hash(salt bytea, previous jsonb, current jsonb) returns bytea
language sql stable parallel safe as
$$ select sha256(coalesce(salt, '') || convert_to(previous::text || current::text, 'UTF8')) $$;

create or replace function audit_address_hash(salt bytea, address text) returns bytea language sql stable parallel safe as
$$ select sha256(salt || convert_to(address, 'UTF8')) $$;

-- Appends one entry to the ledger. Returns its id.
create or replace function audit_append_at(occurred_at timestamptz, request jsonb, entry_id uuid, action text, object text,
	resource_id uuid, resource_version int, partner_id uuid, previous jsonb, current jsonb) returns uuid language plpgsql as
$$
declare
	entry audit_entries%rowtype;
begin
	entry.program_id := app_program();
	entry.id := entry_id;
	entry.partner_id := partner_id;
	entry.recorded_at := clock_timestamp();
	entry.occurred_at := occurred_at;
	entry.actor_type := request->>'actor_type';
	entry.actor_id := request->>'actor_id';
	entry.client_id := request->>'client_id';
	entry.address := request->>'address';
	entry.request_id := request->>'request_id';
	entry.action := action;
	entry.resource_type := object;
	entry.resource_id := resource_id;
	entry.resource_version := resource_version;
	entry.previous := previous;
	entry.current := current;
	entry.format := 2;
	entry.content_salt := uuid_send(gen_random_uuid());
	entry.content_hash := audit_content_hash(entry.content_salt, previous, current);
	if entry.address is not null then
		entry.address_salt := uuid_send(gen_random_uuid());
		entry.address_hash := audit_address_hash(entry.address_salt, entry.address);
	end if;
	entry.entry_hash := audit_entry_hash(entry);
	insert into audit_entries values (entry.*);
	return entry.id;
end $$;

create or replace function audit_append(request jsonb, entry_id uuid, action text, object text, resource_id uuid,
	resource_version int, partner_id uuid, previous jsonb, current jsonb) returns uuid language plpgsql as
$$
begin
	return audit_append_at(program_now(), request, entry_id, action, object, resource_id, resource_version, partner_id,
		previous, current);
end $$;

create or replace function audit_genesis(program uuid) returns bytea language sql immutable parallel safe as
$$ select sha256(convert_to('partnerd audit chain ' || program::text, 'UTF8')) $$;

create or replace function audit_link(prev_hash bytea, entry_hash bytea, seq bigint) returns bytea
language sql immutable parallel safe as
$$ select sha256(prev_hash || entry_hash || int8send(seq)) $$;

-- Seals up to `batch` committed entries of the present program. Gives back the new head; sealed = 0 when there was
-- nothing to do or another sealer holds the lease.
create or replace function audit_seal(batch int, out sealed int, out head_seq bigint, out head_hash bytea)
language plpgsql as
$$
declare
	entry record;
	ids uuid[] := '{}';
	seqs bigint[] := '{}';
	prevs bytea[] := '{}';
	hashes bytea[] := '{}';
begin
	sealed := 0;
	if not pg_try_advisory_xact_lock(hashtextextended('partnerd.seal ' || app_program()::text, 0)) then
		return;
	end if;
	select a.seq, a.hash into head_seq, head_hash from audit_entries a
	where a.program_id = app_program() and a.seq is not null order by a.seq desc limit 1;
	head_seq := coalesce(head_seq, 0);
	head_hash := coalesce(head_hash, audit_genesis(app_program()));
	for entry in select a.id, a.entry_hash from audit_entries a
		where a.program_id = app_program() and a.seq is null order by a.recorded_at, a.id limit batch
	loop
		head_seq := head_seq + 1;
		ids := ids || entry.id;
		seqs := seqs || head_seq;
		prevs := prevs || head_hash;
		head_hash := audit_link(head_hash, entry.entry_hash, head_seq);
		hashes := hashes || head_hash;
		sealed := sealed + 1;
	end loop;
	update audit_entries a set seq = s.seq, prev_hash = s.prev_hash, hash = s.hash
	from unnest(ids, seqs, prevs, hashes) s(id, seq, prev_hash, hash)
	where a.program_id = app_program() and a.id = s.id and a.seq is null;
end $$;

-- Every fault of the present program's chain, the earliest first: an entry whose content or hash was changed, a link
-- that does not hold, a hole in the numbers, a checkpoint the chain does not reach, content or an address that is missing
-- though no erasure behind it in the chain names it.
create or replace function audit_faults()
returns table (seq bigint, entry_id uuid, kind text, detail text) language sql stable as
$$
	with entries as (
		select a.program_id, a.id, a.seq, a.action, a.entry_hash, a.prev_hash, a.hash, a.resource_id, a.actor_id, a.recorded_at,
			coalesce(a.seq, 9223372036854775807) as place,
			a.content_hash <> audit_content_hash(a.content_salt, a.previous, a.current) as is_content_other,
			a.entry_hash <> audit_entry_hash(a) as is_entry_other,
			a.format > 1 and a.address is not null
				and a.address_hash is distinct from audit_address_hash(a.address_salt, a.address) as is_address_other,
			a.previous is null or a.current is null as is_content_missing,
			a.format > 1 and a.address is null and a.address_hash is not null as is_address_missing
		from audit_entries a where a.program_id = app_program()
	), erasures as materialized (
		select coalesce(a.seq, 9223372036854775807) as place, a.recorded_at, a.resource_id as user_id, r.id::uuid as resource_id
		from audit_entries a cross join jsonb_array_elements_text(a.current->'resources') r(id)
		where a.program_id = app_program() and a.action = 'user.personal_data_erased'
	), chain as (
		select e.seq, e.id, e.entry_hash, e.prev_hash, e.hash,
			coalesce(lag(e.hash) over in_order, audit_genesis(e.program_id)) as true_prev_hash,
			coalesce(lag(e.seq) over in_order, 0) + 1 as true_seq
		from entries e
		where e.seq is not null
		window in_order as (order by e.seq)
	), faults as (
		select e.seq, e.id as entry_id, 'entry_changed' as kind, case when e.seq is null
			then 'The entry was changed before it was sealed.' else 'The entry does not match its own hash.' end as detail
		from entries e where e.is_content_other or e.is_entry_other or e.is_address_other
		union all
		select e.seq, e.id, 'content_missing', 'What the entry said was removed, and no erasure covers it.'
		from entries e
		where e.is_content_missing and not exists (select from erasures x
			where e.action <> 'user.personal_data_erased' and x.resource_id = e.resource_id and (x.place, x.recorded_at) > (e.place, e.recorded_at))
		union all
		select e.seq, e.id, 'address_missing', 'The address was removed, and no erasure covers it.'
		from entries e
		where e.is_address_missing and not exists (select from erasures x
			where x.user_id = e.actor_id and (x.place, x.recorded_at) > (e.place, e.recorded_at))
		union all
		select c.seq, c.id, f.kind, f.detail
		from chain c, lateral (values
			(c.seq <> c.true_seq, 'entry_missing', 'A sequence number before this one is missing.'),
			(c.prev_hash <> c.true_prev_hash or c.hash <> audit_link(c.prev_hash, c.entry_hash, c.seq),
				'chain_broken', 'The link to the entry before does not hold.')
		) f(is_fault, kind, detail)
		where f.is_fault
		union all
		select k.seq, null, 'checkpoint_unreached', 'The chain does not reach this signed checkpoint.'
		from audit_checkpoints k left join chain c on c.seq = k.seq and c.hash = k.hash
		where k.program_id = app_program() and c.seq is null
	)
	select f.seq, f.entry_id, f.kind, f.detail from faults f order by f.seq nulls last, f.kind desc
$$;
