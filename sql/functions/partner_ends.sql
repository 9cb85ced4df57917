-- SPDX-License-Identifier: Apache-2.0
--
-- What becomes of a partner's things when it is terminated or turns out to be another one. Called by the writes that
-- hold the partner's row, so that nothing new can be registered for it meanwhile; every change is published on its own.
--
-- There may be more deals than one write can hold. It does the first hundred; that something is left stands in
-- partners.ending, and a job goes on with it: {request}, as whom it is published, and {into_partner_id}, or for a
-- termination {cancels}, whether it cancels what is approved.

-- ---- many deals at once ----

-- How these look, for deals_tell to say what they have become.
create or replace function deals_seen(deals uuid[]) returns jsonb language plpgsql volatile as
$$
begin
	return (select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]') from deal_shape s
		where s._program_id = app_program() and s.id = any(deals));
end $$;

-- No event: it is called what the deal is now.
create or replace function deals_tell(request jsonb, event text, before jsonb) returns boolean
language plpgsql volatile as
$$
declare
	seen jsonb;
begin
	for seen in select b from jsonb_array_elements(before) b loop
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', coalesce(event, 'deal.' || s.status)),
			'deal', seen, to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = (seen->>'id')::uuid;
	end loop;
	return true;
end $$;

-- The keys of those that somebody may wait for; the others are in nobody's way.
create or replace function deals_keys_lock(deals uuid[]) returns boolean language plpgsql volatile as
$$
begin
	return deal_keys_lock(array(select distinct k.deal_id from deal_keys k
		where k.program_id = app_program() and k.deal_id = any(deals) and k.is_live));
end $$;

-- What follows a deal to another partner.
create or replace function deals_follow_partner(deals uuid[], target uuid) returns boolean language plpgsql volatile as
$$
declare
	quotes constant uuid[] := array(select d.quote_id from deals d
		where d.program_id = app_program() and d.id = any(deals) and d.quote_id is not null);
begin
	update deal_external_ids e set partner_id = target
	where e.program_id = app_program() and e.deal_id = any(deals) and e.partner_id <> target;
	update margin_quotes q set partner_id = target, version = q.version + 1, updated_at = program_now()
	where q.program_id = app_program() and q.id = any(quotes);
	update decisions c set partner_id = target
	where c.program_id = app_program() and c.resource_id = any(deals || quotes);
	return true;
end $$;

-- ---- what an end does to deals ----

create or replace function deal_ends(status text, protected_until timestamptz, cancels boolean, at timestamptz)
returns boolean language sql immutable parallel safe as
$$
	select status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')
		or (cancels and status = 'approved' and protected_until > at)
$$;

-- Each of the following does `most` at most and says how many it went through: fewer than `most` is all there was.

-- Withdraws what was not decided, and cancels what is approved and protected if it is said so; the system does it.
create or replace function partner_end_deals(request jsonb, partner uuid, cancels boolean, most int) returns int
language plpgsql volatile as
$$
declare
	now constant timestamptz := program_now();
	today constant date := (select (now at time zone g.zone)::date from programs g where g.id = app_program());
	found constant uuid[] := array(select d.id from deals d where d.program_id = app_program() and d.partner_id = partner
		and deal_ends(d.status, d.protected_until, cancels, now) order by d.created_at, d.id limit most);
	due uuid[];
	before jsonb;
begin
	perform deals_keys_lock(found);
	due := array(select d.id from deals d where d.program_id = app_program() and d.id = any(found)
		and deal_ends(d.status, d.protected_until, cancels, now) order by d.created_at, d.id for update);
	before := deals_seen(due);
	update deals d
	set status = case d.status when 'approved' then 'cancelled' else 'withdrawn' end,
		decision_comment = 'The partner was terminated.',
		decided_at = case d.status when 'approved' then d.decided_at else now end,
		closed_on = case d.status when 'approved' then today end,
		closed_at = case d.status when 'approved' then now end,
		version = d.version + 1, updated_at = now
	where d.program_id = app_program() and d.id = any(due);
	perform deals_tell(request, null, before);
	return cardinality(found);
end $$;

-- Moves the deals of one partner to another: with their quotes, their foreign ids and the decisions behind them. What
-- the feed and the ledger say of them before stays as it was said.
create or replace function partner_move_deals(request jsonb, duplicate uuid, target uuid, most int) returns int
language plpgsql volatile as
$$
declare
	found constant uuid[] := array(select d.id from deals d where d.program_id = app_program() and d.partner_id = duplicate
		order by d.created_at, d.id limit most);
	due uuid[];
	before jsonb;
begin
	perform deals_keys_lock(found);
	due := array(select d.id from deals d where d.program_id = app_program() and d.id = any(found)
		and d.partner_id = duplicate order by d.created_at, d.id for update);
	before := deals_seen(due);
	set constraints deals_quote_fkey deferred;
	update deals d
	set partner_id = target, distributor_id = nullif(d.distributor_id, target),
		distributor_override_minor = case when d.distributor_id <> target then d.distributor_override_minor end,
		version = d.version + 1, updated_at = program_now()
	where d.program_id = app_program() and d.id = any(due);
	perform deals_follow_partner(due, target);
	set constraints deals_quote_fkey immediate;
	perform deals_tell(request, 'deal.reassigned', before);
	return cardinality(found);
end $$;

-- What a duplicate got of other partners' deals as their distributor is the other's now. A partner is never its
-- own: what one of the two got of the other's deals, nobody gets any more.
create or replace function partner_move_overrides(request jsonb, duplicate uuid, target uuid, most int) returns int
language plpgsql volatile as
$$
declare
	found constant uuid[] := array(select d.id from deals d where d.program_id = app_program()
		and d.distributor_id = duplicate order by d.id limit most);
	due uuid[];
	before jsonb;
begin
	due := array(select d.id from deals d where d.program_id = app_program() and d.id = any(found)
		and d.distributor_id = duplicate order by d.id for update);
	before := deals_seen(due);
	update deals d
	set distributor_id = nullif(target, d.partner_id),
		distributor_override_minor = case when d.partner_id <> target then d.distributor_override_minor end,
		version = d.version + 1, updated_at = program_now()
	where d.program_id = app_program() and d.id = any(due);
	perform deals_tell(request, 'deal.updated', before);
	return cardinality(found);
end $$;

-- Quotes that became no deal.
create or replace function partner_move_quotes(duplicate uuid, target uuid, most int) returns int
language plpgsql volatile as
$$
declare
	found constant uuid[] := array(select q.id from margin_quotes q where q.program_id = app_program()
		and q.partner_id = duplicate order by q.id limit most);
begin
	update margin_quotes q set partner_id = target, version = q.version + 1, updated_at = program_now()
	where q.program_id = app_program() and q.id = any(found) and q.partner_id = duplicate;
	update decisions c set partner_id = target where c.program_id = app_program() and c.resource_id = any(found);
	return cardinality(found);
end $$;

-- ---- how far an end has come ----

-- One batch of it. True: that was the last.
create or replace function partner_end_step(ending jsonb, partner uuid, most int) returns boolean
language plpgsql volatile as
$$
declare
	target constant uuid := ending->>'into_partner_id';
	room int := most;
begin
	if target is null then
		return partner_end_deals(ending->'request', partner, (ending->>'cancels')::boolean, most) < most;
	end if;
	room := room - partner_move_credit(partner, target, room);
	room := room - partner_move_deals(ending->'request', partner, target, room);
	room := room - partner_move_overrides(ending->'request', partner, target, room);
	room := room - partner_move_quotes(partner, target, room);
	return room > 0;
end $$;

create or replace function partner_deals_count(partner uuid) returns jsonb language plpgsql volatile as
$$
declare
	now constant timestamptz := program_now();
begin
	return (select jsonb_build_object('all', count(*),
			'open', count(*) filter (where deal_ends(d.status, d.protected_until, false, now)),
			'approved', count(*) filter (where d.status = 'approved' and d.protected_until > now))
		from deals d where d.program_id = app_program() and d.partner_id = partner);
end $$;

-- Whether a merge goes into the partner that is not over: its deals would come after the partner's own end.
create or replace function partner_receives(partner uuid) returns boolean language plpgsql volatile as
$$
begin
	return exists (select from partners o
		where o.program_id = app_program() and o.merged_into_id = partner and o.ending is not null);
end $$;

-- Begins the end of a partner whose row is held and has its last status already. 0: its deals are not as many as the
-- decision counted, or a merge has begun to go into it.
create or replace function partner_end_begin(request jsonb, partner uuid, decision jsonb) returns bigint
language plpgsql volatile as
$$
declare
	most constant int := 100;
	quiet constant jsonb := request - 'key' - 'fingerprint';
	how constant jsonb := case when decision ? 'into_partner_id'
		then jsonb_build_object('into_partner_id', decision->'into_partner_id', 'request', quiet)
		else jsonb_build_object('cancels', decision->'cancels', 'request', quiet - 'client_id' || deal_system_request()) end;
begin
	if partner_deals_count(partner) is distinct from decision->'counted' or partner_receives(partner) then
		return 0;
	end if;
	if not partner_end_step(how, partner, most) then
		update partners p set ending = how #- '{request,address}'
		where p.program_id = app_program() and p.id = partner;
	end if;
	return 1;
end $$;

-- Goes on with an end that is not over. 0: it is now, or somebody else is at it; else `most`.
create or replace function partner_end_go_on(request jsonb, partner uuid, most int) returns int
language plpgsql volatile as
$$
declare
	how jsonb;
	before jsonb;
begin
	select p.ending into how from partners p where p.program_id = app_program() and p.id = partner for update skip locked;
	if how is null then
		return 0;
	elsif not partner_end_step(how, partner, most) then
		return most;
	end if;
	select to_jsonb(s) into before from partner_shape s where s._program_id = app_program() and s.id = partner;
	update partners p set ending = null, version = p.version + 1, updated_at = program_now()
	where p.program_id = app_program() and p.id = partner;
	perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'partner.updated'), 'partner', before,
		to_jsonb(s))
	from partner_shape s where s._program_id = app_program() and s.id = partner;
	return 0;
end $$;

-- ---- merging ----

-- Moves people with their certifications, and machine clients; what they hold is refused from now on, and they sign in for the other partner.
create or replace function partner_move_people(request jsonb, duplicate uuid, target uuid) returns int
language plpgsql volatile as
$$
declare
	due record;
	before jsonb;
	moved int := 0;
begin
	for due in select u.id from users u where u.program_id = app_program() and u.partner_id = duplicate
		order by u.id for update
	loop
		select to_jsonb(s) into before from user_shape s where s._program_id = app_program() and s.id = due.id;
		update users u set partner_id = target, version = u.version + 1, updated_at = program_now()
		where u.program_id = app_program() and u.id = due.id;
		update user_tokens t set partner_id = target where t.program_id = app_program() and t.user_id = due.id;
		perform sessions_end(app_program(), due.id);
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'user.reassigned'), 'user', before,
			to_jsonb(s))
		from user_shape s where s._program_id = app_program() and s.id = due.id;
		moved := moved + 1;
	end loop;
	for due in select c.id, c.grant_id from api_clients c where c.program_id = app_program() and c.partner_id = duplicate
		order by c.id for update
	loop
		select to_jsonb(s) into before from api_client_shape s where s._program_id = app_program() and s.id = due.id;
		update api_clients c set partner_id = target, grant_id = gen_random_uuid(), version = c.version + 1, updated_at = program_now()
		where c.program_id = app_program() and c.id = due.id;
		update api_client_secrets k set partner_id = target where k.program_id = app_program() and k.client_id = due.id;
		perform access_cut(app_program(), due.grant_id);
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'api_client.reassigned'), 'api_client',
			before, to_jsonb(s))
		from api_client_shape s where s._program_id = app_program() and s.id = due.id;
		moved := moved + 1;
	end loop;
	for due in select c.id from partner_certifications c
		where c.program_id = app_program() and c.partner_id = duplicate order by c.id for update
	loop
		select to_jsonb(s) into before from partner_certification_shape s
		where s._program_id = app_program() and s.id = due.id;
		update partner_certifications c set partner_id = target, version = c.version + 1, updated_at = program_now()
		where c.program_id = app_program() and c.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'partner_certification.reassigned'),
			'partner_certification', before, to_jsonb(s))
		from partner_certification_shape s where s._program_id = app_program() and s.id = due.id;
	end loop;
	return moved;
end $$;

-- Makes a duplicate part of another partner. Everything that is the partner's goes over, but for what was the
-- duplicate's own: its history of tiers, reviews and figures, what it agreed to, its territories and its place in the
-- hierarchy, which end, and its sessions. A table that refers to partners
-- and is not named here or in tests/sql/test_partner_merge.py fails that test. 0: one of the two is no longer what
-- the decision saw.
create or replace function partner_merge(request jsonb, duplicate uuid, decision jsonb) returns bigint
language plpgsql volatile as
$$
declare
	target constant uuid := decision->>'into_partner_id';
	quiet constant jsonb := request - 'key' - 'fingerprint';
begin
	perform from partners p where p.program_id = app_program() and p.id in (duplicate, target) order by p.id for update;
	update partners p
	set status = 'terminated', merged_into_id = target, status_reason = decision->>'reason', status_reason_code = 'duplicate',
		terminated_at = program_now(), version = p.version + 1, updated_at = program_now()
	where p.program_id = app_program() and p.id = duplicate and p.version = (decision->>'expected_version')::int
		and p.status <> 'terminated'
		and exists (select from partners o where o.program_id = app_program() and o.id = target and o.status <> 'terminated');
	if not found then
		return 0;
	end if;
	if partner_end_begin(request, duplicate, decision) = 0 then
		return 0;
	end if;
	update deal_external_ids e set partner_id = target where e.program_id = app_program() and e.partner_id = duplicate;
	perform partner_move_people(quiet, duplicate, target);
	perform territories_end(quiet, duplicate, 'The partner was merged with another.');
	perform relations_end(quiet, duplicate, 'The partner was merged with another.');
	perform agreements_end(quiet, duplicate);
	update partner_contacts c set partner_id = target, version = c.version + 1, updated_at = program_now()
	where c.program_id = app_program() and c.partner_id = duplicate;
	with disputes as (
		update dispute_parties y set partner_id = target where y.program_id = app_program() and y.partner_id = duplicate
		returning y.dispute_id
	)
	update decisions c set partner_id = target
	from disputes y
	where c.program_id = app_program() and c.resource_id = y.dispute_id and c.partner_id = duplicate;
	update partner_applications a set partner_id = target where a.program_id = app_program() and a.partner_id = duplicate;
	update files f set partner_id = target where f.program_id = app_program() and f.partner_id = duplicate;
	perform file_usage_move(duplicate, target);
	update imports i set partner_id = target where i.program_id = app_program() and i.partner_id = duplicate;
	update identity_providers i set partner_id = target, revision = i.revision + 1, version = i.version + 1,
		updated_at = program_now()
	where i.program_id = app_program() and i.partner_id = duplicate;
	perform pg_notify('partnerd', 'providers');
	return 1;
end $$;
