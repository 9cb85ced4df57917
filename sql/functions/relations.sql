-- SPDX-License-Identifier: Apache-2.0
--
-- The writes of the hierarchy. All changes of a program's come one after the other: a circle is made of several rows, and
-- no constraint sees two transactions at once.

-- Would the partner be above itself at some instant of the period, if it had this parent?
create or replace function relation_makes_circle(child uuid, parent uuid, begins timestamptz, ends timestamptz)
returns boolean language plpgsql volatile as
$$
begin
	return exists (
		with recursive above as (
			select parent as partner_id, tstzrange(begins, ends) as span
			union
			select r.parent_id, a.span * tstzrange(r.valid_from, r.valid_to)
			from above a
			join partner_relations r on r.program_id = app_program() and r.partner_id = a.partner_id
				and tstzrange(r.valid_from, r.valid_to) && a.span
		)
		select from above a where a.partner_id = child);
end $$;

-- Through whom a partner buys at an instant; null: from the vendor itself.
create or replace function partner_distributor_at(partner uuid, instant timestamptz) returns uuid language sql stable as
$$
	select r.parent_id from partner_relations r
	where r.program_id = app_program() and r.partner_id = partner and r.valid_from <= instant
		and (r.valid_to is null or r.valid_to > instant)
$$;

-- Ends one relation at an instant, or never lets it begin.
create or replace function relation_end(request jsonb, relation uuid, instant timestamptz, reason text) returns boolean
language plpgsql volatile as
$$
declare
	before jsonb;
begin
	select to_jsonb(s) into before from partner_relation_shape s where s._program_id = app_program() and s.id = relation;
	update partner_relations r set valid_to = greatest(instant, r.valid_from), end_reason = reason,
		version = r.version + 1, updated_at = program_now()
	where r.program_id = app_program() and r.id = relation;
	perform publish(request - 'key' - 'fingerprint', jsonb_build_object('event_id', uuid_v7(),
		'event', 'partner_relation.ended'), 'partner_relation', before, to_jsonb(s))
	from partner_relation_shape s where s._program_id = app_program() and s.id = relation;
	return true;
end $$;

-- Ends what a partner that is no more has above and below itself.
create or replace function relations_end(request jsonb, partner uuid, reason text) returns bigint
language plpgsql volatile as
$$
begin
	perform pg_advisory_xact_lock(hashtextextended('partnerd.relations ' || app_program()::text, 0));
	return (select count(relation_end(request, r.id, program_now(), reason)) from partner_relations r
		where r.program_id = app_program() and (r.partner_id = partner or r.parent_id = partner)
			and (r.valid_to is null or r.valid_to > greatest(program_now(), r.valid_from)));
end $$;

-- A partner gets a parent; the one it has at that instant is its parent until then. 0: what the rule looked at is not so
-- any more, a circle included.
create or replace function relation_create(request jsonb, relation uuid, body jsonb, decision jsonb) returns bigint
language plpgsql volatile as
$$
declare
	child constant uuid := body->>'partner_id';
	parent constant uuid := body->>'parent_id';
	begins constant timestamptz := decision->>'starts_at';
	ends constant timestamptz := body->>'ends_at';
begin
	perform pg_advisory_xact_lock(hashtextextended('partnerd.relations ' || app_program()::text, 0));
	perform from partners p where p.program_id = app_program() and p.id in (child, parent) and p.status <> 'terminated'
	order by p.id for share;
	if (select count(*) from partners p where p.program_id = app_program() and p.status <> 'terminated'
			and (p.id = child or (p.id = parent and p.type = 'distributor'))) <> 2
		or relation_makes_circle(child, parent, begins, ends)
	then
		return 0;
	end if;
	perform relation_end(request, r.id, begins, 'Another parent follows.') from partner_relations r
	where r.program_id = app_program() and r.partner_id = child and r.valid_from < begins
		and (r.valid_to is null or r.valid_to > begins);
	insert into partner_relations (program_id, id, partner_id, parent_id, valid_from, valid_to, created_by_id, created_at,
		updated_at)
	values (app_program(), relation, child, parent, begins, ends, (request->>'actor_id')::uuid, program_now(),
		program_now());
	return 1;
end $$;
