-- SPDX-License-Identifier: Apache-2.0
--
-- A deal goes to another partner, with its quote, its foreign ids and the decisions behind it; what was locked at
-- approval and the end of its protection stay, but for what the other got of it as its distributor. Keys, protections and the search go with it by triggers. What was told to
-- the one before stays told to that one, and so does what was said of the deal: neither learns of the other.

-- What the one that had it hears: the deal as it was, and that it is gone.
create or replace function deal_release_tell(request jsonb, before jsonb) returns boolean language plpgsql volatile as
$$
begin
	return publish(request - 'key' - 'fingerprint' - 'is_patch',
		jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.released'), 'deal', before, before);
end $$;

create or replace function deal_follow_partner(deal uuid, quote uuid, target uuid) returns boolean
language plpgsql volatile as
$$
begin
	update deal_external_ids e set partner_id = target where e.program_id = app_program() and e.deal_id = deal;
	update margin_quotes q set partner_id = target, version = q.version + 1, updated_at = program_now()
	where q.program_id = app_program() and q.id = quote;
	update decisions c set partner_id = target
	where c.program_id = app_program() and (c.resource_id = deal or c.resource_id = quote);
	return true;
end $$;

-- 0: the deal, the partner or its room is no longer what the decision saw.
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
		perform deal_follow_partner(deal, quote, target);
		set constraints deals_quote_fkey immediate;
		perform deal_release_tell(request, before);
	end if;
	return 1;
end $$;
