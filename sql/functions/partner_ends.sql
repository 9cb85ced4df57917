-- SPDX-License-Identifier: Apache-2.0
--
-- What becomes of a partner's things when it is terminated or turns out to be another one. Called by the writes that hold
-- the partner's row, so that nothing new can be registered for it meanwhile; every change is published on its own.

-- Withdraws what was not decided, and cancels what is approved and protected if the decision says so; the system does
-- it. 0: it was not as many as the decision counted.
create or replace function partner_end_deals(request jsonb, partner uuid, decision jsonb) returns bigint
language plpgsql volatile as
$$
declare
	now constant timestamptz := program_now();
	quiet constant jsonb := request - 'key' - 'fingerprint' - 'client_id'
		|| jsonb_build_object('actor_type', 'system', 'actor_id', app_program());
	zone constant text := (select g.zone from programs g where g.id = app_program());
	counted constant jsonb := decision->'counted';
	withdrawn int := 0;
	cancelled int := 0;
	due record;
	before jsonb;
begin
	perform deal_keys_lock(array(select d.id from deals d where d.program_id = app_program() and d.partner_id = partner
		and d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')));
	for due in select d.id, d.status = 'approved' as is_approved from deals d
		where d.program_id = app_program() and d.partner_id = partner
			and (d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')
				or (d.status = 'approved' and d.protected_until > now and (counted->>'cancels')::boolean))
		order by d.created_at, d.id for update
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = app_program() and s.id = due.id;
		update deals d
		set status = case when due.is_approved then 'cancelled' else 'withdrawn' end,
			decision_comment = 'The partner was terminated.',
			decided_at = case when due.is_approved then d.decided_at else now end,
			closed_on = case when due.is_approved then (now at time zone zone)::date end,
			closed_at = case when due.is_approved then now end,
			version = d.version + 1, updated_at = now
		where d.program_id = app_program() and d.id = due.id;
		perform publish(quiet, jsonb_build_object('event_id', uuid_v7(),
			'event', case when due.is_approved then 'deal.cancelled' else 'deal.withdrawn' end), 'deal', before, to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = due.id;
		withdrawn := withdrawn + (not due.is_approved)::int;
		cancelled := cancelled + due.is_approved::int;
	end loop;
	return case when withdrawn = (counted->>'withdrawn')::int and cancelled = (counted->>'cancelled')::int
		then 1 else 0 end;
end $$;

-- Moves the deals of one partner to another: with their quotes, their foreign ids and the decisions behind them. What
-- the feed and the ledger say of them before stays as it was said.
create or replace function partner_move_deals(request jsonb, duplicate uuid, target uuid) returns int
language plpgsql volatile as
$$
declare
	due record;
	before jsonb;
	moved int := 0;
begin
	set constraints deals_quote_fkey deferred;
	perform deal_keys_lock(array(select d.id from deals d where d.program_id = app_program() and d.partner_id = duplicate));
	for due in select d.id from deals d where d.program_id = app_program() and d.partner_id = duplicate
		order by d.created_at, d.id for update
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = app_program() and s.id = due.id;
		update deals d set partner_id = target, distributor_id = nullif(d.distributor_id, target),
			distributor_override_minor = case when d.distributor_id <> target then d.distributor_override_minor end,
			version = d.version + 1, updated_at = program_now()
		where d.program_id = app_program() and d.id = due.id;
		update decisions c set partner_id = target where c.program_id = app_program() and c.resource_id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.reassigned'), 'deal', before,
			to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = due.id;
		moved := moved + 1;
	end loop;
	update deal_external_ids e set partner_id = target where e.program_id = app_program() and e.partner_id = duplicate;
	with quotes as (
		update margin_quotes q set partner_id = target, version = q.version + 1, updated_at = program_now()
		where q.program_id = app_program() and q.partner_id = duplicate
		returning q.id
	)
	update decisions c set partner_id = target
	from quotes q
	where c.program_id = app_program() and c.resource_id = q.id;
	set constraints deals_quote_fkey immediate;
	return moved;
end $$;

-- What a duplicate got of other partners' deals as their distributor is the other's now. A partner is never its
-- own: what one of the two got of the other's deals, nobody gets any more.
create or replace function partner_move_overrides(request jsonb, duplicate uuid, target uuid) returns int
language plpgsql volatile as
$$
declare
	due record;
	before jsonb;
	moved int := 0;
begin
	for due in select d.id from deals d where d.program_id = app_program() and d.distributor_id = duplicate
		order by d.id for update
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = app_program() and s.id = due.id;
		update deals d set distributor_id = nullif(target, d.partner_id),
			distributor_override_minor = case when d.partner_id <> target then d.distributor_override_minor end,
			version = d.version + 1, updated_at = program_now()
		where d.program_id = app_program() and d.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.updated'), 'deal', before,
			to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = due.id;
		moved := moved + 1;
	end loop;
	return moved;
end $$;

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
	if partner_move_deals(quiet, duplicate, target) <> (decision->>'deals')::int then
		return 0;
	end if;
	perform partner_move_overrides(quiet, duplicate, target);
	perform partner_move_people(quiet, duplicate, target);
	perform partner_move_credit(duplicate, target);
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
