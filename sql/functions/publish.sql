-- SPDX-License-Identifier: Apache-2.0
--
-- What every write leaves behind, in the transaction of the write: the idempotency record, the domain event, the audit
-- entry with its own hash, and the decision when the rule explained something. Called by the command engine on the row
-- of the shape as it is after the write, and by jobs in the same way.
--
-- request:  request_id, actor_type, actor_id, client_id, address, key + fingerprint for keyed commands, and is_patch
--           where a row that looks as before means that nothing has happened: PD002 then undoes the write
-- decision: event_id, event, and decision_id + rule_set … when an explanation is kept
--           erasure_id: what stood in the row before is not told any more
--           untold: members whose former values the ledger keeps and the event does not tell
-- before, after: the shape's row as flat jsonb; before is null on creation

-- Keeps the key of a command that is about to succeed. The lock tells a twin that is still running from one that has
-- finished; a crash releases it, so nothing is left stuck.
create or replace function idempotency_claim(request jsonb, event_id uuid) returns boolean language plpgsql as
$$
begin
	if not pg_try_advisory_xact_lock(hashtextextended((request->>'actor_id') || ' ' || (request->>'key'), 0)) then
		raise exception 'idempotency key in progress' using errcode = 'PD001';
	end if;
	insert into idempotency_keys (program_id, principal_id, key, fingerprint, event_id)
	values (app_program(), (request->>'actor_id')::uuid, request->>'key', request->>'fingerprint', event_id);
	return true;
end $$;

-- The members of `a` that `b` has otherwise. Bookkeeping is no change, and neither is what is measured beside the row:
-- it moves between the two looks of a command that leaves everything as it was.
create or replace function flat_difference(a jsonb, b jsonb) returns jsonb language plpgsql immutable parallel safe as
$$
begin
	return (select coalesce(jsonb_object_agg(m.key, m.value), '{}')
		from jsonb_each(a) m
		where m.value is distinct from b->m.key and left(m.key, 1) <> '_'
			and m.key not in ('version', 'updated_at', 'allowed_actions', 'fault', 'keys_read_at', 'last_signed_in_at',
				'last_used_at'));
end $$;

-- Calls are assignments, not PERFORM: plpgsql then evaluates them without a query of their own. Half of the cost of a
-- write is in here.
create or replace function publish(request jsonb, decision jsonb, object text, before jsonb, after jsonb)
returns boolean language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	program constant uuid := app_program();
	event_id uuid := decision->>'event_id';
	resource_id constant uuid := after->>'id';
	resource_version constant int := after->>'version';
	partner constant uuid := after->>'_partner_id';
	previous jsonb := '{}';
	current jsonb;
	is_claimed boolean;
begin
	if request ? 'key' then
		is_claimed := idempotency_claim(request, event_id);
	end if;
	if before is null then
		current := jsonb_strip_nulls(after);
	else
		if decision ? 'erasure_id' then
			before := flat_erased(before, resource_id);
		end if;
		previous := flat_difference(before, after);
		current := flat_difference(after, before);
		if request ? 'is_patch' and previous = '{}' and current = '{}' then
			raise exception 'nothing changed' using errcode = 'PD002';
		end if;
	end if;
	insert into events (program_id, id, partner_id, type, occurred_at, actor_type, actor_id, client_id, resource_type,
		resource_id, resource_version, decision_id, data, previous)
	values (program, event_id, partner, decision->>'event', now, request->>'actor_type', (request->>'actor_id')::uuid,
		(request->>'client_id')::uuid, object, resource_id, resource_version, (decision->>'decision_id')::uuid, after,
		case when decision ? 'untold' then previous - array(select jsonb_array_elements_text(decision->'untold'))
			else previous end);
	event_id := audit_append_at(now, request, event_id, decision->>'event', object, resource_id,
		resource_version, partner, previous, current);
	if decision ? 'decision_id' then
		insert into decisions (program_id, id, partner_id, kind, resource_type, resource_id, rule_set, rule_set_version,
			steps, outcome, inputs, created_at)
		values (program, (decision->>'decision_id')::uuid, partner, decision->>'event', object, resource_id,
			decision->>'rule_set', (decision->>'rule_set_version')::int, decision->'steps',
			coalesce(decision->'outcome', '{}'), coalesce(decision->'inputs', '{}'), now);
	end if;
	return true;
end $$;

-- Ends a write statement: no row written means that the world moved since the facts were read.
create or replace function assert_written(rows_written bigint) returns bigint language plpgsql as
$$
begin
	if rows_written = 0 then
		raise exception 'nothing written' using errcode = 'PD000';
	end if;
	return rows_written;
end $$;
