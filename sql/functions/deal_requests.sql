-- SPDX-License-Identifier: Apache-2.0
--
-- What was asked for a deal and is not answered when it ends, however it ends, ends with it: help with the deal, a special
-- price with its approval already. Help that somebody gives is completed by whoever gives it.

create or replace function deal_help_close(deal uuid) returns boolean language plpgsql volatile as
$$
declare
	open_id uuid;
	before jsonb;
begin
	for open_id in select r.id from deal_help_requests r
		where r.program_id = app_program() and r.deal_id = deal and r.status = 'requested' order by r.created_at, r.id for update
	loop
		select to_jsonb(s) into before from deal_help_request_shape s where s._program_id = app_program() and s.id = open_id;
		update deal_help_requests r set status = 'withdrawn', response = 'The deal ended before the answer.',
			version = r.version + 1, updated_at = program_now()
		where r.program_id = app_program() and r.id = open_id;
		perform publish(deal_system_request(),
			jsonb_build_object('event_id', uuid_v7(), 'event', 'deal_help_request.withdrawn'), 'deal_help_request', before,
			to_jsonb(s))
		from deal_help_request_shape s where s._program_id = app_program() and s.id = open_id;
	end loop;
	return true;
end $$;

create or replace function special_price_close(deal uuid) returns boolean language plpgsql volatile as
$$
declare
	open_id uuid;
	before jsonb;
begin
	select r.id into open_id from special_pricing_requests r
	where r.program_id = app_program() and r.deal_id = deal and r.status = 'requested' for update;
	if not found then
		return true;
	end if;
	select to_jsonb(s) into before from special_pricing_request_shape s
	where s._program_id = app_program() and s.id = open_id;
	update special_pricing_requests r set status = 'withdrawn', decision_comment = 'The deal ended before the decision.',
		version = r.version + 1, updated_at = program_now()
	where r.program_id = app_program() and r.id = open_id;
	return publish(deal_system_request(),
			jsonb_build_object('event_id', uuid_v7(), 'event', 'special_pricing_request.withdrawn'),
			'special_pricing_request', before, to_jsonb(s))
		from special_pricing_request_shape s where s._program_id = app_program() and s.id = open_id;
end $$;

create or replace function deal_requests_close() returns trigger language plpgsql as
$$
begin
	perform special_price_close(new.id);
	if new.status <> 'approved' then
		perform deal_help_close(new.id);
	end if;
	return null;
end $$;

create or replace trigger deals_requests_close after update on deals for each row
when (old.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')
	and new.status not in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')
	and new.status <> old.status)
execute function deal_requests_close();
