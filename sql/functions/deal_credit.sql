-- SPDX-License-Identifier: Apache-2.0
--
-- Who has part in a deal, written behind the walls of whoever acts: a partner that wins its deal credits the others, and
-- is not told of them. What each is credited with is decided in src/domain/credit.c.

-- The shares as the rules read them, in the order in which ties are served: who brought the deal first. A deal that
-- nobody shares is all its partner's.
create or replace function deal_shares(deal deals, today date) returns jsonb language plpgsql volatile as
$$
declare
	wall constant text := wall_lift();
	shares jsonb;
begin
	select jsonb_agg(jsonb_build_object('partner_id', c.partner_id, 'contribution', c.contribution,
			'share_bps', c.share_bps, 'days_ago', today - c.engaged_on, 'credited_bps', c.credited_bps,
			'partner_status', p.status)
		order by c.contribution = 'influenced', c.share_bps desc, c.partner_id)
	into shares from deal_collaborators c
	join partners p on p.program_id = c.program_id and p.id = c.partner_id
	where c.program_id = deal.program_id and c.deal_id = deal.id;
	perform set_config('app.partner', wall, true);
	return coalesce(shares, jsonb_build_array(jsonb_build_object('partner_id', deal.partner_id, 'contribution', 'sourced',
		'share_bps', 10000, 'days_ago', 0, 'credited_bps', null)));
end $$;

-- What was agreed is told to whom it concerns; that a partner has its own deal to itself is no news.
create or replace function deal_credit_publish(request jsonb, event text, collaborator uuid, before jsonb) returns boolean
language plpgsql volatile as
$$
begin
	return (select publish(request - 'key' - 'fingerprint' - 'is_patch',
			jsonb_build_object('event_id', uuid_v7(), 'event', event), 'deal_collaborator', before, to_jsonb(s))
		from deal_collaborator_shape s where s._program_id = app_program() and s.id = collaborator);
end $$;

create or replace function deal_collaborator_row(collaborator uuid) returns jsonb language plpgsql volatile as
$$
begin
	return (select to_jsonb(s) from deal_collaborator_shape s
		where s._program_id = app_program() and s.id = collaborator);
end $$;

-- The whole split anew: who is not in it any more goes, who is there already stays the same.
create or replace function deal_split_write(request jsonb, shares jsonb, deal uuid) returns boolean
language plpgsql volatile as
$$
declare
	now constant timestamptz := program_now();
	program constant uuid := app_program();
	d deals%rowtype;
	share record;
	known uuid;
	before jsonb;
begin
	select * into d from deals x where x.program_id = program and x.id = deal;
	for known in select c.id from deal_collaborators c where c.program_id = program and c.deal_id = deal
		and c.partner_id not in (select (s->>'partner_id')::uuid from jsonb_array_elements(shares) s) order by c.id
	loop
		perform deal_credit_publish(request, 'deal_collaborator.removed', known, deal_collaborator_row(known));
		delete from deal_collaborators c where c.program_id = program and c.id = known;
	end loop;
	for share in select * from jsonb_to_recordset(shares) s(partner_id uuid, contribution text, share_bps int,
		engaged_on date, note text)
	loop
		select c.id into known from deal_collaborators c
		where c.program_id = program and c.deal_id = deal and c.partner_id = share.partner_id;
		before := deal_collaborator_row(known);
		if known is null then
			known := uuid_v7();
			insert into deal_collaborators (program_id, id, deal_id, partner_id, deal_number, customer_name, contribution,
				share_bps, engaged_on, note, is_agreed, currency, created_at, updated_at)
			values (program, known, deal, share.partner_id, d.number, d.customer_name, share.contribution, share.share_bps,
				share.engaged_on, share.note, true, d.currency, now, now);
		else
			update deal_collaborators c set contribution = share.contribution, share_bps = share.share_bps,
				engaged_on = share.engaged_on, note = share.note, customer_name = d.customer_name, version = c.version + 1,
				updated_at = now
			where c.program_id = program and c.id = known;
		end if;
		perform deal_credit_publish(request, case when before is null then 'deal_collaborator.added'
			else 'deal_collaborator.updated' end, known, before);
	end loop;
	return true;
end $$;

-- At approval: credit = {model, window_days, shares}, frozen; when it is won: credit = {shares} with what each has won.
-- False: approval would credit a partner that was terminated meanwhile.
create or replace function deal_credit_write(request jsonb, credit jsonb, deal uuid) returns boolean
language plpgsql volatile as
$$
declare
	wall constant text := wall_lift();
	now constant timestamptz := program_now();
	program constant uuid := app_program();
	d deals%rowtype;
	share record;
	known record;
	before jsonb;
begin
	if credit ? 'model' and exists (select from jsonb_to_recordset(credit->'shares') s(partner_id uuid)
		join partners p on p.program_id = program and p.id = s.partner_id and p.status = 'terminated')
	then
		perform set_config('app.partner', wall, true);
		return false;
	end if;
	select * into d from deals x where x.program_id = program and x.id = deal;
	for share in select * from jsonb_to_recordset(credit->'shares') s(partner_id uuid, contribution text, share_bps int,
		credited_bps int, credited_minor bigint, won_minor bigint)
	loop
		insert into deal_collaborators (program_id, id, deal_id, partner_id, deal_number, customer_name, contribution,
			share_bps, engaged_on, is_agreed, currency, created_at, updated_at)
		select program, uuid_v7(), deal, share.partner_id, d.number, d.customer_name, share.contribution, share.share_bps,
			now at time zone g.zone, false, d.currency, now, now
		from programs g where g.id = program
		on conflict on constraint deal_collaborators_partner_key do nothing;
		select c.id, c.is_agreed into known from deal_collaborators c
		where c.program_id = program and c.deal_id = deal and c.partner_id = share.partner_id;
		before := case when known.is_agreed then deal_collaborator_row(known.id) end;
		update deal_collaborators c
		set credited_bps = coalesce(share.credited_bps, c.credited_bps),
			credited_minor = coalesce(share.credited_minor, c.credited_minor),
			credited_at = case when share.credited_bps is null then c.credited_at else now end,
			attribution_model = coalesce(credit->>'model', c.attribution_model),
			attribution_window_days = coalesce((credit->>'window_days')::int, c.attribution_window_days),
			won_minor = share.won_minor, currency = d.currency, customer_name = d.customer_name,
			version = c.version + known.is_agreed::int, updated_at = now
		where c.program_id = program and c.id = known.id;
		if known.is_agreed then
			perform deal_credit_publish(request, case when share.won_minor is null then 'deal_collaborator.credited'
				else 'deal_collaborator.won' end, known.id, before);
		end if;
	end loop;
	perform set_config('app.partner', wall, true);
	return true;
end $$;

-- The part of the partner that had the deal goes with it, unless approval has frozen it; where the other has one already,
-- they are one. Each is told of its own.
create or replace function deal_credit_follow(request jsonb, deal uuid, source uuid, target uuid) returns boolean
language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	now constant timestamptz := program_now();
	gone deal_collaborators%rowtype;
	known uuid;
	before jsonb;
begin
	select * into gone from deal_collaborators c
	where c.program_id = program and c.deal_id = deal and c.partner_id = source and c.credited_at is null;
	if not found then
		return true;
	end if;
	perform deal_credit_publish(request, 'deal_collaborator.removed', gone.id, deal_collaborator_row(gone.id));
	delete from deal_collaborators c where c.program_id = program and c.id = gone.id;
	select c.id into known from deal_collaborators c
	where c.program_id = program and c.deal_id = deal and c.partner_id = target;
	before := deal_collaborator_row(known);
	insert into deal_collaborators as c (program_id, id, deal_id, partner_id, deal_number, customer_name, contribution,
		share_bps, engaged_on, note, is_agreed, currency, created_at, updated_at)
	values (program, uuid_v7(), deal, target, gone.deal_number, gone.customer_name, gone.contribution, gone.share_bps,
		gone.engaged_on, gone.note, true, gone.currency, now, now)
	on conflict on constraint deal_collaborators_partner_key do update
	set share_bps = c.share_bps + excluded.share_bps, contribution = greatest(c.contribution, excluded.contribution),
		engaged_on = least(c.engaged_on, excluded.engaged_on), version = c.version + 1, updated_at = now
	returning c.id into known;
	return deal_credit_publish(request, case when before is null then 'deal_collaborator.added'
		else 'deal_collaborator.updated' end, known, before);
end $$;

-- A duplicate's part goes to the partner that it turned out to be; where both had one, they are one. It does `most` at
-- most and says how many it went through.
create or replace function partner_move_credit(duplicate uuid, target uuid, most int) returns int
language plpgsql volatile as
$$
declare
	found constant uuid[] := array(select c.id from deal_collaborators c where c.program_id = app_program()
		and c.partner_id = duplicate limit most);
begin
	update deal_collaborators c
	set share_bps = c.share_bps + o.share_bps, credited_bps = c.credited_bps + o.credited_bps,
		credited_minor = c.credited_minor + o.credited_minor, won_minor = c.won_minor + o.won_minor,
		contribution = greatest(c.contribution, o.contribution), version = c.version + 1, updated_at = program_now()
	from deal_collaborators o
	where c.program_id = app_program() and c.partner_id = target and o.program_id = c.program_id
		and o.deal_id = c.deal_id and o.id = any(found);
	delete from deal_collaborators o using deal_collaborators c
	where o.program_id = app_program() and o.id = any(found) and c.program_id = o.program_id
		and c.deal_id = o.deal_id and c.partner_id = target;
	update deal_collaborators c set partner_id = target, version = c.version + 1, updated_at = program_now()
	where c.program_id = app_program() and c.id = any(found);
	return cardinality(found);
end $$;
