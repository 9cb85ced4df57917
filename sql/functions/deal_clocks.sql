-- SPDX-License-Identifier: Apache-2.0
--
-- What of a deal hangs on the calendar. The database keeps the times, so that no way of changing a deal forgets one; jobs
-- look at them by index.

-- The same local time, so many days later; Saturdays and Sundays do not count.
create or replace function business_days_after(instant timestamptz, zone text, days int) returns timestamptz
language plpgsql immutable parallel safe as
$$
declare
	local timestamp := instant at time zone zone;
	left_over int := days;
begin
	while left_over > 0 loop
		local := local + interval '1 day';
		left_over := left_over - (extract(isodow from local) < 6)::int;
	end loop;
	return local at time zone zone;
end $$;

create or replace function calendar_days_after(instant timestamptz, zone text, days int) returns timestamptz
language sql immutable parallel safe as
$$ select ((instant at time zone zone) + make_interval(days => days)) at time zone zone $$;

-- The first of the notices before `ends` that is still to come.
create or replace function deal_next_notice(ends timestamptz, now timestamptz, zone text, notice_days int[])
returns timestamptz language plpgsql immutable parallel safe as
$$
begin
	return (select min(n.at) from unnest(notice_days) d(days)
		cross join lateral (select calendar_days_after(ends, zone, -d.days) as at) n where n.at > now);
end $$;

-- A review has to be done in so many business days from the submission; who waits for information does not count. Notices
-- begin anew with every new end of protection. What kept the end waiting ends with the deal: of the time beyond the end
-- remains what has passed.
create or replace function deal_set_clocks() returns trigger language plpgsql as
$$
declare
	program programs%rowtype;
	is_reviewed constant boolean := new.status in ('submitted', 'in_review');
	now constant timestamptz := program_now();
begin
	select * into program from programs g where g.id = new.program_id;
	if not is_reviewed then
		new.review_due_at := null;
		new.review_escalated_at := null;
	elsif new.review_due_at is null and program.review_days > 0 then
		new.review_due_at := business_days_after(now, program.zone, program.review_days);
	end if;
	new.next_notice_at := case when new.status = 'approved'
		then deal_next_notice(new.protection_expires_at, now, program.zone, program.expiry_notice_days) end;
	if new.status <> 'approved' then
		new.protection_grace_until := case when now > new.protection_expires_at
			then least(new.protection_grace_until, now) end;
	end if;
	return new;
end $$;

create or replace trigger deals_clocks_insert before insert on deals for each row when (new.status <> 'draft')
execute function deal_set_clocks();

create or replace trigger deals_clocks_update before update on deals for each row
when (new.status <> old.status or new.protection_expires_at is distinct from old.protection_expires_at)
execute function deal_set_clocks();

-- Announces of some deals that protection ends soon, or that the review is overdue. Neither changes the deal: what is near
-- or overdue is judged by the clock at read time. A notice that was missed is not made up
-- for when the next one is due, and none follows the end. The clock is read by the statement that looks for deals, so that
-- both are of one moment.
create or replace function deals_remind(request jsonb, deals uuid[]) returns int language plpgsql as
$$
declare
	due record;
	done int := 0;
begin
	for due in select d.id, d.protection_expires_at as ends, g.zone, g.expiry_notice_days, program_now() as now
		from deals d join programs g on g.id = d.program_id
		where d.program_id = app_program() and d.id = any(deals) and d.next_notice_at <= program_now()
		order by d.next_notice_at, d.id for update of d skip locked
	loop
		update deals d set next_notice_at = deal_next_notice(due.ends, due.now, due.zone, due.expiry_notice_days)
		where d.program_id = app_program() and d.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.expiring'), 'deal',
			to_jsonb(s), to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = due.id and due.ends > due.now;
		done := done + 1;
	end loop;
	for due in select d.id from deals d
		where d.program_id = app_program() and d.id = any(deals) and d.review_due_at <= program_now()
			and d.review_escalated_at is null
		order by d.review_due_at, d.id for update skip locked
	loop
		update deals d set review_escalated_at = program_now() where d.program_id = app_program() and d.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.review_escalated'), 'deal',
			to_jsonb(s) || '{"vendor:review_escalated_at": null}', to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = due.id;
		done := done + 1;
	end loop;
	return done;
end $$;
