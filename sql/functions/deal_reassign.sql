-- SPDX-License-Identifier: Apache-2.0
--
-- A deal goes to another partner, with its quote, its foreign ids and the decisions behind it; what was locked at
-- approval and the end of its protection stay, but for what the other got of it as its distributor. Keys, protections and the search go with it by triggers, and
-- so does the part in it that was agreed with the one before. What was told to
-- the one before stays told to that one, and so does what was said of the deal: neither learns of the other.

-- What the one that had it hears: the deal as it was, and that it is gone.
create or replace function deal_release_tell(request jsonb, before jsonb) returns boolean language plpgsql volatile as
$$
begin
	return publish(request - 'key' - 'fingerprint' - 'is_patch',
		jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.released'), 'deal', before, before);
end $$;

create or replace function deal_exact_keys(deal uuid) returns jsonb language plpgsql stable as
$$
begin
	return (select jsonb_agg(jsonb_build_object('kind', k.kind, 'key', k.key)) from deal_keys k
		where k.program_id = app_program() and k.deal_id = deal and k.kind <> 'word');
end $$;

-- What the partner has registered for the deal's customer and some of the same products already.
create or replace function deal_twin(deal uuid, partner uuid) returns uuid language plpgsql volatile as
$$
begin
	return (select r.id from deals d
		join deal_key_rivals(deal, deal_exact_keys(deal)) x on true
		join deals r on r.program_id = d.program_id and r.id = x.rival_id and r.partner_id = partner
			and deal_lives(r.status, r.protected_until, program_now())
			and deal_scopes_meet(d.product_ids, d.customer_country, r.product_ids, r.customer_country)
		where d.program_id = app_program() and d.id = deal and d.status <> 'draft'
		order by r.claim_number limit 1);
end $$;

-- Registrations of one partner, such as a merge leaves, are in each other's way once they are two partners': whoever is
-- behind waits. The moved deal is published by who moves it.
create or replace function deal_part(request jsonb, moved uuid) returns boolean language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	behind record;
	before jsonb;
begin
	for behind in select d.id, d.id = moved as is_moved from deals d
		where d.program_id = program and d.status in ('submitted', 'in_review', 'info_requested')
			and (d.id = moved or d.id in (select x.rival_id from deal_key_rivals(moved, deal_exact_keys(moved)) x))
			and exists (select from deal_holders(d.id))
		order by d.claim_number, d.id for update
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = program and s.id = behind.id;
		update deals d set status = 'conflict_hold', customer_match = 'conflict',
			version = d.version + (not behind.is_moved)::int, updated_at = program_now()
		where d.program_id = program and d.id = behind.id;
		insert into deal_matches (program_id, deal_id, other_deal_id, kind, matched_on, found_at)
		select program, behind.id, h.rival_id, 'conflict', h.kinds, program_now() from deal_holders(behind.id) h
		on conflict do nothing;
		perform deal_conflict_join(request, behind.id);
		perform publish(deal_system_request(), jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.updated'), 'deal',
			before, to_jsonb(s))
		from deal_shape s where s._program_id = program and s.id = behind.id and not behind.is_moved;
	end loop;
	return true;
end $$;

-- 0: the deal, the partner, its room or its other deals are no longer what the decision saw.
create or replace function deal_reassign(request jsonb, decision jsonb, deal uuid, before jsonb) returns bigint
language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	target constant uuid := decision->>'target_id';
	quote uuid;
begin
	if target is not null then
		perform from partners p where p.program_id = program and p.id = target and p.status = 'active' for share;
		if not found or ((decision->>'needs_capacity')::boolean and not deal_capacity_take(target)) then
			return 0;
		end if;
		perform deal_keys_lock(array[deal]);
		if deal_twin(deal, target) is not null then
			return 0;
		end if;
		set constraints deals_quote_fkey deferred;
	end if;
	update deals d
	set partner_id = coalesce(target, d.partner_id), owner_id = (decision->>'owner_id')::uuid,
		distributor_id = nullif(d.distributor_id, target), distributor_override_minor
			= case when d.distributor_id is distinct from target then d.distributor_override_minor end,
		version = d.version + 1, updated_at = program_now()
	where d.program_id = program and d.id = deal and d.version = (decision->>'expected_version')::int
		and not (d.status = 'approved' and d.protected_until <= program_now())
		and (app_is_vendor() or d.partner_id = app_partner())
	returning d.quote_id into quote;
	if not found then
		return 0;
	end if;
	if target is not null then
		perform deals_follow_partner(array[deal], target);
		set constraints deals_quote_fkey immediate;
		perform deal_part(request, deal);
		perform deal_credit_follow(request, deal, (before->>'partner_id')::uuid, target);
		perform deal_release_tell(request, before);
	end if;
	return 1;
end $$;
