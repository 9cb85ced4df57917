-- SPDX-License-Identifier: Apache-2.0
--
-- Who holds an account and who waits for it. A deal lives while it is open or its protection runs; of two that live and
-- have an exact key, a product and a country in common, the protected one holds the account, else the one with the lower
-- claim number. The others wait in conflict_hold and move on by themselves. Who is compared, and in which order, is said
-- here once; what it means for a registration, in src/domain/matching.c.
--
-- Locks are taken in this order: partner, keys, deals. Whoever changes whether a deal lives holds the locks of its keys.

-- Lifts the wall between partners until it is set back to what is given back here: others' registrations decide about
-- one's own, and are not told.
create or replace function wall_lift() returns text language plpgsql volatile as
$$
declare
	wall constant text := coalesce(current_setting('app.partner', true), '');
begin
	perform set_config('app.partner', '*', true);
	return wall;
end $$;

create or replace function deal_lives(status text, protected_until timestamptz, at timestamptz) returns boolean
language sql immutable parallel safe as
$$
	select status in ('submitted', 'in_review', 'info_requested', 'conflict_hold')
		or (status in ('approved', 'won') and protected_until > at)
$$;

-- No product and no country: all of them.
create or replace function deal_scopes_meet(products uuid[], place text, other_products uuid[], other_place text)
returns boolean language sql immutable parallel safe as
$$
	select (products = '{}' or other_products = '{}' or products && other_products)
		and coalesce(place = other_place, true)
$$;

-- Takes the locks of the keys of these deals and of those that are given, in one order.
create or replace function deal_keys_lock(deals uuid[], keys jsonb default null) returns boolean language plpgsql volatile as
$$
declare
	lock bigint;
begin
	for lock in
		select distinct hashtextextended(app_program()::text || ' ' || x.kind || ' ' || x.key, 0) as hash
		from (select k.kind, k.key from deal_keys k where k.program_id = app_program() and k.deal_id = any(deals)
			union all
			select g.kind, g.key from jsonb_to_recordset(keys) g(kind text, key text)) x
		where x.kind <> 'word'
		order by hash
	loop
		perform pg_advisory_xact_lock(lock);
	end loop;
	return true;
end $$;

-- The deals that live and have an exact key in common with a customer, products and country set aside.
create or replace function deal_key_rivals(deal uuid, keys jsonb) returns table (rival_id uuid, kinds jsonb)
language plpgsql volatile as
$$
begin
	return query select r.deal_id, jsonb_agg(distinct r.kind)
		from jsonb_to_recordset(keys) w(kind text, key text)
		join deal_keys r on r.program_id = app_program() and r.kind = w.kind and r.key = w.key and r.is_live
			and r.deal_id is distinct from deal
		where w.kind <> 'word'
		group by r.deal_id;
end $$;

-- The facts of matching: every deal that lives and has an exact key in common with a customer, and some of those that
-- have a word of the name in common, most words first. Partners' own and those ahead come first, so that the ones that
-- decide are among those that are read. Ahead is also who would be passed by a change of the customer: deal_place lets
-- nobody pass.
create or replace function deal_candidates(deal uuid, partner uuid, place text, products uuid[], keys jsonb)
returns table (deal_id uuid, is_own boolean, has_key boolean, matched_on jsonb, scopes_meet boolean, is_ahead boolean,
	shared_words bigint, words bigint, their_words bigint, protected_until timestamptz)
language plpgsql volatile as
$$
declare
	wall constant text := wall_lift();
	now constant timestamptz := program_now();
	own_claim constant bigint := (select d.claim_number from deals d where d.program_id = app_program() and d.id = deal);
	own_words constant bigint := (select count(*) from jsonb_to_recordset(keys) w(kind text, key text) where w.kind = 'word');
begin
	return query
	-- What is looked for is put together beforehand: a condition that does it is not known to be leakproof, and no index
	-- would serve it behind the walls.
	with wanted as materialized (
		select array[w.key || ' ' || place, w.key || ' '] as keys, w.key || ' ' as low, w.key || '!' as high
		from jsonb_to_recordset(keys) w(kind text, key text collate "C")
		where w.kind = 'word'
	), named as (
		select h.deal_id, count(*) as shared
		from wanted w
		cross join lateral (
			(select r.deal_id from deal_keys r
			where place is not null and r.program_id = app_program() and r.kind = 'word' and r.is_live
				and r.key = any(w.keys) and r.deal_id is distinct from deal
			limit 20)
			union all
			(select r.deal_id from deal_keys r
			where place is null and r.program_id = app_program() and r.kind = 'word' and r.is_live
				and r.key >= w.low and r.key < w.high and r.deal_id is distinct from deal
			limit 20)
		) h
		group by h.deal_id
	), found as (
		select coalesce(k.rival_id, n.deal_id) as id, k.kinds, coalesce(n.shared, 0) as shared
		from deal_key_rivals(deal, keys) k
		full join named n on n.deal_id = k.rival_id
	)
	select d.id, coalesce(d.partner_id = partner, false), f.kinds is not null,
		coalesce(f.kinds, '[]') || case when f.shared > 0 then '["name"]' else '[]'::jsonb end,
		deal_scopes_meet(products, place, d.product_ids, d.customer_country),
		d.status <> 'conflict_hold' or own_claim is null or d.claim_number < own_claim,
		f.shared, own_words,
		(select count(*) from deal_keys t where t.program_id = d.program_id and t.deal_id = d.id and t.kind = 'word'),
		case when d.status in ('approved', 'won') then d.protected_until end
	from found f
	join deals d on d.program_id = app_program() and d.id = f.id and deal_lives(d.status, d.protected_until, now)
	order by f.kinds is null, d.partner_id = partner desc, d.status in ('approved', 'won') desc, f.shared desc,
		d.claim_number, d.id
	limit 60;
	perform set_config('app.partner', wall, true);
end $$;

-- Those in the way of a deal, in the order of who is served first. The wall is lifted already.
create or replace function deal_holders(deal uuid) returns table (rival_id uuid, kinds jsonb) language plpgsql volatile as
$$
begin
	return query select r.id, k.kinds
		from deals d
		join deal_key_rivals(deal, (select jsonb_agg(jsonb_build_object('kind', x.kind, 'key', x.key)) from deal_keys x
			where x.program_id = app_program() and x.deal_id = deal)) k on true
		join deals r on r.program_id = d.program_id and r.id = k.rival_id
		where d.program_id = app_program() and d.id = deal and r.partner_id <> d.partner_id
			and deal_lives(r.status, r.protected_until, program_now())
			and deal_scopes_meet(d.product_ids, d.customer_country, r.product_ids, r.customer_country)
			and (r.status in ('approved', 'won') or d.claim_number is null or r.claim_number < d.claim_number)
		order by r.status in ('approved', 'won') desc, r.claim_number, r.id;
end $$;

create or replace function deal_system_request() returns jsonb language plpgsql stable as
$$
begin
	return jsonb_build_object('actor_type', 'system', 'actor_id', app_program());
end $$;

-- ---- conflicts ----

create or replace function deal_conflict_publish(request jsonb, event text, conflict uuid, before jsonb) returns boolean
language plpgsql volatile as
$$
begin
	return (select publish(request - 'key' - 'fingerprint' - 'is_patch',
			jsonb_build_object('event_id', uuid_v7(), 'event', event), 'deal_conflict', before, to_jsonb(s))
		from deal_conflict_shape s where s._program_id = app_program() and s.id = conflict);
end $$;

-- Puts a deal that waits into the open conflict about what it waits for, or opens one.
create or replace function deal_conflict_join(request jsonb, deal uuid) returns boolean language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	now constant timestamptz := program_now();
	holder uuid;
	conflict uuid;
	before jsonb;
begin
	select h.rival_id into holder from deal_holders(deal) h limit 1;
	select m.conflict_id into conflict from deal_conflict_deals m
	join deal_conflicts c on c.program_id = program and c.id = m.conflict_id and c.status = 'open'
	where m.program_id = program and m.deal_id in (select h.rival_id from deal_holders(deal) h)
	order by m.deal_id <> holder, c.created_at, c.id limit 1;
	if conflict is null then
		conflict := uuid_v7();
		insert into deal_conflicts (program_id, id, created_at, updated_at) values (program, conflict, now, now);
		insert into deal_conflict_deals (program_id, conflict_id, deal_id, joined_at) values (program, conflict, holder, now);
	else
		perform from deal_conflicts c where c.program_id = program and c.id = conflict for update;
		select to_jsonb(s) into before from deal_conflict_shape s where s._program_id = program and s.id = conflict;
		update deal_conflicts c set version = c.version + 1, updated_at = now where c.program_id = program and c.id = conflict;
	end if;
	insert into deal_conflict_deals (program_id, conflict_id, deal_id, joined_at) values (program, conflict, deal, now)
	on conflict do nothing;
	return deal_conflict_publish(request, 'deal.conflict_detected', conflict, before);
end $$;

-- A conflict in which nobody waits any more is over.
create or replace function deal_conflict_settle(deal uuid) returns boolean language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	settled uuid;
	before jsonb;
begin
	for settled in select c.id from deal_conflict_deals m
		join deal_conflicts c on c.program_id = program and c.id = m.conflict_id and c.status = 'open'
		where m.program_id = program and m.deal_id = deal and not exists (select from deal_conflict_deals o
			join deals d on d.program_id = program and d.id = o.deal_id and d.status = 'conflict_hold'
			where o.program_id = program and o.conflict_id = c.id)
		order by c.id for update of c
	loop
		select to_jsonb(s) into before from deal_conflict_shape s where s._program_id = program and s.id = settled;
		update deal_conflicts c set status = 'closed', ended_at = program_now(), version = c.version + 1,
			updated_at = program_now()
		where c.program_id = program and c.id = settled;
		perform deal_conflict_publish(deal_system_request(), 'deal.conflict_closed', settled, before);
	end loop;
	return true;
end $$;

-- The vendor's word: the account goes to one, the others of the conflict that it would have to share with are rejected,
-- the last in line first, so that nobody moves on in between. Who else waits is put into a conflict anew. False: the
-- conflict, or who stands in it, is not any more what the decision saw.
create or replace function deal_conflict_resolve(request jsonb, decision jsonb, conflict uuid) returns boolean
language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	now constant timestamptz := program_now();
	winner constant uuid := decision->>'winner_deal_id';
	quiet constant jsonb := request - 'key' - 'fingerprint';
	members constant uuid[] := array(select m.deal_id from deal_conflict_deals m
		where m.program_id = program and m.conflict_id = conflict);
	loser record;
	before jsonb;
begin
	perform deal_keys_lock(members);
	update deal_conflicts c
	set status = 'resolved', winner_deal_id = winner, rule = decision->>'rule', reason = decision->>'reason',
		resolved_by_id = (request->>'actor_id')::uuid, ended_at = now, version = c.version + 1, updated_at = now
	where c.program_id = program and c.id = conflict and c.status = 'open'
		and c.version = (decision->>'expected_version')::int;
	if not found or not exists (select from deals d where d.program_id = program and d.id = winner
		and d.status = decision->>'winner_status' and deal_lives(d.status, d.protected_until, now))
	then
		return false;
	end if;
	for loser in select d.id from deals d
		join deals w on w.program_id = program and w.id = winner
		where d.program_id = program and d.id = any(members) and d.partner_id <> w.partner_id
			and d.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold')
			and deal_scopes_meet(d.product_ids, d.customer_country, w.product_ids, w.customer_country)
			and exists (select from deal_keys k join deal_keys o on o.program_id = k.program_id and o.kind = k.kind
				and o.key = k.key and o.deal_id = winner
				where k.program_id = program and k.deal_id = d.id and k.kind <> 'word')
		order by d.claim_number desc for update of d
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = program and s.id = loser.id;
		update deals d set status = 'rejected', decision_comment = decision->>'comment', decided_at = now,
			version = d.version + 1, updated_at = now
		where d.program_id = program and d.id = loser.id;
		perform publish(quiet, jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.rejected'), 'deal', before, to_jsonb(s))
		from deal_shape s where s._program_id = program and s.id = loser.id;
	end loop;
	perform deal_conflict_join(quiet, d.id) from deals d
	where d.program_id = program and d.id = any(members) and d.status = 'conflict_hold';
	return true;
end $$;

-- ---- who moves on ----

-- The deals that wait and share a key with this one, in the order in which they are served.
create or replace function deal_waiting(deal uuid) returns uuid[] language plpgsql volatile as
$$
begin
	return coalesce((select array_agg(w.id order by w.claim_number)
		from (select distinct d.id, d.claim_number
			from deal_keys k
			join deal_keys r on r.program_id = k.program_id and r.kind = k.kind and r.key = k.key and r.is_live
				and r.deal_id <> k.deal_id
			join deals d on d.program_id = r.program_id and d.id = r.deal_id and d.status = 'conflict_hold'
			where k.program_id = app_program() and k.deal_id = deal and k.kind <> 'word') w), '{}');
end $$;

-- Each of these that nobody is in the way of any more moves into review, and says so. Who moves on is in the way of those
-- behind it, so the order decides.
create or replace function deal_release(waiting uuid[]) returns int language plpgsql volatile as
$$
declare
	program constant uuid := app_program();
	candidate uuid;
	before jsonb;
	released int := 0;
begin
	foreach candidate in array waiting loop
		perform from deals d where d.program_id = program and d.id = candidate and d.status = 'conflict_hold' for update;
		continue when not found or exists (select from deal_holders(candidate));
		select to_jsonb(s) into before from deal_shape s where s._program_id = program and s.id = candidate;
		update deals d set status = 'in_review', version = d.version + 1, updated_at = program_now(),
			customer_match = case when exists (select from deal_matches m where m.program_id = program and m.deal_id = candidate
				and m.kind = 'review') then 'review' else 'none' end
		where d.program_id = program and d.id = candidate;
		perform publish(deal_system_request(), jsonb_build_object('event_id', uuid_v7(), 'event', 'deal.conflict_cleared'),
			'deal', before, to_jsonb(s))
		from deal_shape s where s._program_id = program and s.id = candidate;
		released := released + 1;
	end loop;
	return released;
end $$;

-- ---- placing a registration ----

-- The keys that the decision computed take the place of those that are there.
create or replace function deal_keys_write(deal deals, keys jsonb) returns boolean language plpgsql volatile as
$$
declare
	is_live constant boolean := deal_lives(deal.status, deal.protected_until, program_now());
begin
	delete from deal_keys k where k.program_id = deal.program_id and k.deal_id = deal.id
		and not exists (select from jsonb_to_recordset(keys) g(kind text, key text)
			where g.kind = k.kind and k.key = case g.kind when 'word' then g.key || ' ' || coalesce(deal.customer_country, '')
				else g.key end);
	insert into deal_keys (program_id, deal_id, partner_id, kind, key, is_live)
	select deal.program_id, deal.id, deal.partner_id, g.kind,
		case g.kind when 'word' then g.key || ' ' || coalesce(deal.customer_country, '') else g.key end, is_live
	from jsonb_to_recordset(keys) g(kind text, key text)
	on conflict do nothing;
	return true;
end $$;

-- What was found when it was placed: who was in the way, and names for people to compare, as the decision judged them.
create or replace function deal_matches_write(deal uuid, names jsonb) returns boolean language plpgsql volatile as
$$
begin
	delete from deal_matches m where m.program_id = app_program() and m.deal_id = deal;
	insert into deal_matches (program_id, deal_id, other_deal_id, kind, matched_on, found_at)
	select app_program(), deal, h.rival_id, 'conflict', h.kinds, program_now() from deal_holders(deal) h limit 100;
	insert into deal_matches (program_id, deal_id, other_deal_id, kind, matched_on, similarity_bps, found_at)
	select app_program(), deal, n.deal_id, 'review', '["name"]', n.similarity_bps, program_now()
	from jsonb_to_recordset(names) n(deal_id uuid, similarity_bps int)
	order by n.similarity_bps desc, n.deal_id limit 10
	on conflict do nothing;
	return true;
end $$;

-- Ends the write of a registration, or of a change of what decides about it: decision.keys, decision.waits (it was judged
-- to be in conflict) and decision.names. Gives a claim its number under the lock of the keys. False: somebody else was
-- first meanwhile, or the partner's own twin was.
--
-- A customer that is changed gives no right to a place before those who were there: whoever would come to stand before
-- one that does not wait for it takes a new number.
create or replace function deal_place(request jsonb, decision jsonb, deal uuid) returns boolean language plpgsql volatile as
$$
declare
	wall constant text := wall_lift();
	program constant uuid := app_program();
	d deals%rowtype;
	waiting uuid[] := '{}';
	has_twin boolean;
	is_held boolean;
	passes boolean;
begin
	perform deal_keys_lock(array[deal], decision->'keys');
	select * into d from deals x where x.program_id = program and x.id = deal;
	if d.claim_number is not null then
		waiting := deal_waiting(deal);
	end if;
	perform deal_keys_write(d, decision->'keys');
	if d.status not in ('submitted', 'in_review', 'info_requested') then
		perform set_config('app.partner', wall, true);
		return true;
	end if;
	select coalesce(bool_or(r.partner_id = d.partner_id), false),
		coalesce(bool_or(r.partner_id <> d.partner_id and r.status in ('submitted', 'in_review', 'info_requested')
			and r.claim_number > d.claim_number), false),
		coalesce(bool_or(r.partner_id <> d.partner_id
			and (r.status in ('approved', 'won') or d.claim_number is null or r.claim_number < d.claim_number)), false)
	into has_twin, passes, is_held
	from deal_key_rivals(deal, decision->'keys') k
	join deals r on r.program_id = program and r.id = k.rival_id and deal_lives(r.status, r.protected_until, program_now())
		and deal_scopes_meet(d.product_ids, d.customer_country, r.product_ids, r.customer_country);
	is_held := is_held or passes;
	if has_twin or (is_held and not (decision->>'waits')::boolean) then
		perform set_config('app.partner', wall, true);
		return false;
	end if;
	passes := passes or d.claim_number is null;
	update deals x
	set claim_number = case when passes then nextval('deal_claim_numbers') else x.claim_number end,
		claimed_at = case when passes then program_now() else x.claimed_at end,
		claim_entry_id = case when passes then (decision->>'event_id')::uuid else x.claim_entry_id end,
		status = case when is_held then 'conflict_hold' else x.status end,
		customer_match = case when is_held then 'conflict' when decision->'names' <> '[]' then 'review' else 'none' end
	where x.program_id = program and x.id = deal;
	if is_held or decision->'names' <> '[]' or d.claim_number is not null then
		perform deal_matches_write(deal, decision->'names');
	end if;
	if is_held then
		perform deal_conflict_join(request, deal);
	end if;
	if waiting <> '{}' then
		perform deal_release(waiting);
	end if;
	perform set_config('app.partner', wall, true);
	return true;
end $$;

-- ---- whatever else becomes of a deal ----

-- From when to when nobody else may be protected for the account; what was, stays.
create or replace function deal_protection_period(deal deals) returns tstzrange language plpgsql immutable parallel safe as
$$
begin
	return case
		when deal.protection_starts_at is null then 'empty'
		when deal.status in ('lost', 'cancelled') then tstzrange(deal.protection_starts_at,
			greatest(deal.protection_starts_at, least(deal.protected_until, deal.closed_at)))
		else tstzrange(deal.protection_starts_at, greatest(deal.protection_starts_at, deal.protected_until)) end;
end $$;

create or replace function deal_protections_write(deal deals) returns boolean language plpgsql volatile as
$$
begin
	update deal_protections p set period = deal_protection_period(deal), partner_id = deal.partner_id,
		is_live = deal.status in ('approved', 'won')
	where p.program_id = deal.program_id and p.deal_id = deal.id;
	if not found and deal.status = 'approved' then
		insert into deal_protections (program_id, deal_id, partner_id, kind, key, product_id, country, period,
			is_live)
		select deal.program_id, deal.id, deal.partner_id, k.kind, k.key, s.product_id, deal.customer_country,
			deal_protection_period(deal), true
		from deal_keys k
		cross join unnest(case when deal.product_ids = '{}' then array[null::uuid] else deal.product_ids end) s(product_id)
		where k.program_id = deal.program_id and k.deal_id = deal.id and k.kind <> 'word';
	end if;
	return true;
end $$;

-- However a deal is changed, by whom ever: its protection is in the schema, its keys live as long as it does, and
-- whoever waited for it moves on. For one that is over nobody waits.
create or replace function deals_match_again() returns trigger language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	lives constant boolean := deal_lives(new.status, new.protected_until, now);
	wall constant text := wall_lift();
	waiting uuid[] := '{}';
begin
	if new.protection_starts_at is not null then
		perform deal_protections_write(new);
	end if;
	if lives and new.status = 'approved' and not deal_lives(old.status, old.protected_until, now) and exists (
		select from deal_holders(new.id))
	then
		raise exception 'the account is held' using errcode = '23P01', constraint = 'deal_protections_overlap_excl';
	end if;
	if lives is distinct from deal_lives(old.status, old.protected_until, now) or new.partner_id <> old.partner_id
		or (not lives and new.status <> old.status) or new.status = 'won'
	then
		if lives or exists (select from deal_keys k
			where k.program_id = new.program_id and k.deal_id = new.id and k.is_live)
		then
			perform deal_keys_lock(array[new.id]);
			waiting := deal_waiting(new.id);
		end if;
		update deal_keys k set is_live = lives and not (new.status = 'won' and k.kind = 'word'), partner_id = new.partner_id
		where k.program_id = new.program_id and k.deal_id = new.id;
		perform deal_release(waiting || case when new.status = 'conflict_hold' then array[new.id] else '{}' end);
	end if;
	if old.status = 'conflict_hold' and new.status <> 'conflict_hold' then
		perform deal_conflict_settle(new.id);
	end if;
	perform set_config('app.partner', wall, true);
	return null;
end $$;

-- Deals that were won hold their account until their protection ends; then nothing happens to them, but those who wait
-- for them move on.
create or replace function accounts_free(due uuid[]) returns int language plpgsql volatile as
$$
declare
	deal uuid;
	waiting uuid[];
begin
	perform deal_keys_lock(due);
	foreach deal in array due loop
		continue when not exists (select from deal_protections p
			join deals d on d.program_id = p.program_id and d.id = p.deal_id and d.status = 'won'
			where p.program_id = app_program() and p.deal_id = deal and p.is_live and p.ends_at <= program_now());
		waiting := deal_waiting(deal);
		update deal_keys k set is_live = false where k.program_id = app_program() and k.deal_id = deal;
		update deal_protections p set is_live = false where p.program_id = app_program() and p.deal_id = deal;
		perform deal_release(waiting);
	end loop;
	return cardinality(due);
end $$;

create or replace trigger deals_match_again after update on deals for each row
	when (old.status is distinct from new.status or old.partner_id is distinct from new.partner_id
		or old.protected_until is distinct from new.protected_until)
	execute function deals_match_again();
