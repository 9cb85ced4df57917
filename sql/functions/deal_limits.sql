-- SPDX-License-Identifier: Apache-2.0
--
-- How many registrations a partner has open, and how many it may have. Open is what waits for a decision, and what is
-- approved while its protection runs: by the clock, whatever is stored.

create or replace function deal_open_count(partner uuid) returns int language plpgsql volatile as
$$
declare
	now constant timestamptz := program_now();
begin
	return (select count(*) from deals d
		where d.program_id = app_program() and d.partner_id = partner
			and d.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')
			and (d.status <> 'approved' or d.protected_until > now));
end $$;

-- The limit in force for the partner, the narrowest there is; null when there is none.
create or replace function deal_limit_of(partner uuid, tier uuid) returns int language plpgsql stable as
$$
declare
	now constant timestamptz := program_now();
begin
	return (select l.open_limit from deal_limits l
		where l.program_id = app_program() and (l.partner_id = partner or l.tier_id = tier
				or (l.partner_id is null and l.tier_id is null))
			and l.starts_at <= now and (l.ends_at is null or l.ends_at > now)
		order by l.partner_id is null, l.tier_id is null limit 1);
end $$;

-- Whether there is room for one more, asked by the write that will take it. Whoever asks for the same partner waits until
-- that write is over, and then counts what it has left: two never take the last place.
create or replace function deal_capacity_take(partner uuid) returns boolean language plpgsql volatile as
$$
declare
	allowed int;
begin
	perform pg_advisory_xact_lock(hashtextextended('deal capacity ' || partner, 0));
	select deal_limit_of(p.id, p.tier_id) into allowed from partners p
	where p.program_id = app_program() and p.id = partner;
	return allowed is null or deal_open_count(partner) < allowed;
end $$;
