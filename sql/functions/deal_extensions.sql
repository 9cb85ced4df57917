-- SPDX-License-Identifier: Apache-2.0
--
-- Extensions move the end of a deal's protection, so every step of one is a change of its deal as well, published beside
-- it. The deal's row is the lock: expiry waits for the step, or the step finds the deal expired.

-- The deal as it is and as it becomes. False: it is not protected any more, or its end is not the one that was read.
create or replace function deal_protect(request jsonb, deal uuid, event text, read_end timestamptz, new_end timestamptz,
	grace_until timestamptz) returns boolean language plpgsql as
$$
declare
	before jsonb;
begin
	perform deal_keys_lock(array[deal]); -- who waits for the account may move on
	perform from deals d where d.program_id = app_program() and d.id = deal for update;
	select to_jsonb(s) into before from deal_shape s where s._program_id = app_program() and s.id = deal;
	update deals d
	set protection_expires_at = new_end, protection_grace_until = grace_until,
		extensions = d.extensions + (event = 'deal.extended')::int, version = d.version + 1, updated_at = program_now()
	where d.program_id = app_program() and d.id = deal and d.status = 'approved' and d.protection_expires_at = read_end
		and d.protected_until > program_now();
	if not found then
		return false;
	end if;
	return publish(request - 'key' - 'fingerprint', jsonb_build_object('event_id', uuid_v7(), 'event', event), 'deal',
			before, to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = deal;
end $$;

-- 0: no longer protected, another one is open, or there were as many as there may be.
create or replace function deal_extension_request(request jsonb, new_id uuid, decision jsonb) returns bigint
language plpgsql as
$$
declare
	deal constant uuid := decision->>'deal_id';
	ends constant timestamptz := decision->>'extends_from';
begin
	if program_now() >= ends or not deal_protect(request, deal, 'deal.extension_requested', ends, ends,
			(decision->>'grace_until')::timestamptz)
		or (select count(*) from deal_extensions x where x.program_id = app_program() and x.deal_id = deal
			and x.status in ('requested', 'approved')) <> (decision->>'granted')::int then
		return 0;
	end if;
	insert into deal_extensions (program_id, id, deal_id, days, reason, extends_from, extends_to, created_by_id, created_at,
		updated_at)
	values (app_program(), new_id, deal, (decision->>'days')::int, decision->>'reason', ends,
		(decision->>'extends_to')::timestamptz, (request->>'actor_id')::uuid, program_now(), program_now());
	return 1;
end $$;

create or replace function deal_extension_decide(request jsonb, extension uuid, decision jsonb) returns bigint
language plpgsql as
$$
declare
	ends constant timestamptz := decision->>'extends_from';
	found_deal uuid;
begin
	select x.deal_id into found_deal from deal_extensions x where x.program_id = app_program() and x.id = extension;
	if not deal_protect(request, found_deal, decision->>'deal_event', ends,
			coalesce((decision->>'extends_to')::timestamptz, ends), null) then
		return 0;
	end if;
	update deal_extensions x
	set status = decision->>'status', granted_days = (decision->>'granted_days')::int,
		extends_from = case when decision->>'status' = 'approved' then ends else x.extends_from end,
		extends_to = coalesce((decision->>'extends_to')::timestamptz, x.extends_to),
		decision_comment = decision->>'comment', decided_by_id = (request->>'actor_id')::uuid, decided_at = program_now(),
		version = x.version + 1, updated_at = program_now()
	where x.program_id = app_program() and x.id = extension and x.version = (decision->>'expected_version')::int
		and x.status = 'requested';
	return found::int;
end $$;

-- What is still asked for when a deal ends, however it ends, ends with it.
create or replace function deal_extensions_close() returns trigger language plpgsql as
$$
declare
	open_id uuid;
	before jsonb;
begin
	select x.id into open_id from deal_extensions x
	where x.program_id = new.program_id and x.deal_id = new.id and x.status = 'requested' for update;
	if not found then
		return null;
	end if;
	select to_jsonb(s) || '{"status": "requested", "decided_at": null}' into before from deal_extension_shape s
	where s._program_id = new.program_id and s.id = open_id;
	update deal_extensions x
	set status = 'withdrawn', decided_at = program_now(), decision_comment = 'The deal ended before the decision.',
		version = x.version + 1, updated_at = program_now()
	where x.program_id = new.program_id and x.id = open_id;
	perform publish(jsonb_build_object('actor_type', 'system', 'actor_id', new.program_id),
		jsonb_build_object('event_id', uuid_v7(), 'event', 'deal_extension.withdrawn'), 'deal_extension', before, to_jsonb(s))
	from deal_extension_shape s where s._program_id = new.program_id and s.id = open_id;
	return null;
end $$;

create or replace trigger deals_extensions_close after update on deals for each row
when (old.status = 'approved' and new.status <> 'approved')
execute function deal_extensions_close();

-- Who is in the way of a deal that is to be reopened: whoever is registered for the account, later or not, as the deal gave
-- its place up; and of one that was rejected, the partner's own next try. Nobody: null.
create or replace function deal_in_the_way(deal uuid) returns uuid language plpgsql volatile as
$$
begin
	return (select r.id from deals d
		join deal_key_rivals(deal, (select jsonb_agg(jsonb_build_object('kind', k.kind, 'key', k.key)) from deal_keys k
			where k.program_id = app_program() and k.deal_id = deal)) x on true
		join deals r on r.program_id = d.program_id and r.id = x.rival_id
			and (r.partner_id <> d.partner_id or d.status = 'rejected')
			and deal_lives(r.status, r.protected_until, program_now())
			and deal_scopes_meet(d.product_ids, d.customer_country, r.product_ids, r.customer_country)
		where d.program_id = app_program() and d.id = deal
		order by r.status in ('approved', 'won') desc, r.claim_number, r.id limit 1);
end $$;

-- Protects an expired deal anew, from now; or takes one into review again that was rejected and should not have been, with
-- the place it had and nothing decided. Expiry that nobody has stored yet is stored first, and so lets those move on who
-- wait for the account. 0: it is not what was read.
create or replace function deal_reopen(request jsonb, deal uuid, decision jsonb) returns bigint language plpgsql as
$$
declare
	stored text;
begin
	perform from partners p where p.program_id = app_program() and p.id = (decision->>'needs_partner')::uuid
		and p.status = 'active' for share;
	if not found or ((decision->>'needs_capacity')::boolean
			and not deal_capacity_take((decision->>'needs_partner')::uuid)) then
		return 0;
	end if;
	perform deal_keys_lock(array[deal]);
	select d.status into stored from deals d where d.program_id = app_program() and d.id = deal
		and d.version = (decision->>'expected_version')::int
		and (d.status = 'expired' or (d.status = 'approved' and d.protected_until <= program_now())
			or (d.status = 'rejected' and d.upheld_by is not null)) for update;
	if stored = 'approved' then
		perform deal_expire(deal_system_request(), deal, uuid_v7()::text);
	end if;
	if stored is not null and deal_in_the_way(deal) is not null then
		raise exception 'the account is held' using errcode = '23P01', constraint = 'deal_protections_overlap_excl';
	end if;
	if stored = 'rejected' then
		update deals d
		set status = 'in_review', upheld_by = null, decided_at = null, decision_comment = decision->>'reason',
			review_round = d.review_round + 1, customer_match = case when exists (select from deal_matches m
				where m.program_id = d.program_id and m.deal_id = deal and m.kind = 'review') then 'review' else 'none' end,
			version = d.version + 1, updated_at = program_now()
		where d.program_id = app_program() and d.id = deal;
		return 1;
	end if;
	update deals d
	set status = 'approved', protection_starts_at = program_now(), protection_grace_until = null,
		protection_expires_at = (decision->>'protection_ends_at')::timestamptz, decision_comment = decision->>'reason',
		version = d.version + 1, updated_at = program_now()
	where d.program_id = app_program() and d.id = deal and stored is not null;
	return found::int;
end $$;
