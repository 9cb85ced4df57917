-- SPDX-License-Identifier: Apache-2.0
--
-- Stores the expiry of one approved deal, which the caller has locked, and publishes deal.expired.
create or replace function deal_expire(request jsonb, deal uuid, event_id text) returns boolean language plpgsql as
$$
declare
	before jsonb;
begin
	select to_jsonb(s) || '{"status": "approved"}' into before from deal_shape s
	where s._program_id = app_program() and s.id = deal;
	update deals d set status = 'expired', version = d.version + 1, updated_at = program_now()
	where d.program_id = app_program() and d.id = deal;
	return publish(request, jsonb_build_object('event_id', event_id, 'event', 'deal.expired'), 'deal', before, to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = deal;
end $$;

-- Stores the expiry of those of these deals whose protection has ended and publishes deal.expired for each. Reading never
-- waits for it: the shape judges by the clock.
create or replace function deals_expire(request jsonb, deals uuid[]) returns int language plpgsql as
$$
declare
	due record;
	expired int := 0;
begin
	perform deal_keys_lock(deals);
	for due in select d.id from deals d
		where d.program_id = app_program() and d.id = any(deals) and d.status = 'approved'
			and d.protected_until <= program_now()
		order by d.protected_until, d.id for update skip locked
	loop
		perform deal_expire(request, due.id, uuid_v7()::text);
		expired := expired + 1;
	end loop;
	return expired;
end $$;
