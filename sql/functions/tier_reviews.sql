-- SPDX-License-Identifier: Apache-2.0
--
-- Facts for reviews of tiers, and what is kept of them. The judgement between the two is src/domain/tier_evaluation.c.

-- The first day of the period that a day is in: periods start with the fiscal year.
create or replace function tier_period(today date, first_month int, months int) returns date
language sql immutable parallel safe as
$$
	select (date_trunc('month', today)
		- make_interval(months => (extract(month from today)::int - first_month + 12) % 12 % months))::date
$$;

-- What the requirements of all tiers together ask for, each metric and window once.
create or replace function tier_measures(tiers jsonb) returns jsonb language sql immutable parallel safe as
$$
	select coalesce(jsonb_agg(m.measure order by m.measure), '[]') from (
		select distinct jsonb_build_object('metric', r->'metric', 'window_days', coalesce(nullif(r->'window_days', 'null'), '0'))
			as measure
		from jsonb_array_elements(tiers) t, jsonb_array_elements(t->'requirements') r) m
$$;

-- Tiers from the lowest up, as they are in force, or as they are planned.
create or replace function tier_ladder(drafts boolean) returns jsonb language plpgsql stable as
$$
begin
	return (select coalesce(jsonb_agg(jsonb_build_object('id', t.tier_id, 'key', t.key, 'name', t.name, 'rank', t.rank,
			'terms_version', t.terms_version, 'requirements', t.requirements) order by t.rank), '[]')
		from (select * from tier_terms_now() n where not drafts
			union all select * from tier_terms_planned() p where drafts) t
		where t.program_id = app_program());
end $$;

-- How partners stand: of these (null: all), behind `after` in the order of ids, `most` at most. Only active ones are
-- reviewed; `any_status` is for who looks at one.
create or replace function tier_review_facts(wanted uuid[], after uuid, most int, drafts boolean, any_status boolean)
returns jsonb language plpgsql stable as
$$
declare
	program programs%rowtype;
	now constant timestamptz := program_now();
	today date;
	period date;
	ladder constant jsonb := tier_ladder(drafts);
	measures constant jsonb := tier_measures(ladder);
	standings jsonb;
begin
	select * into program from programs g where g.id = app_program();
	today := (now at time zone program.zone)::date;
	period := tier_period(today, program.fiscal_year_start_month, program.tier_review_months);
	select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'version', p.version, 'tier_id', p.tier_id,
			'failed_reviews', p.failed_reviews, 'is_counted', p.failed_period_on is not distinct from period,
			'is_immune', i.until > now, 'immune_until', instant(i.until),
			'is_overridden', coalesce(p.override_until > now, false), 'values', v.list) order by p.id), '[]')
	into standings
	from (select * from partners p
		where p.program_id = program.id and (any_status or p.status = 'active')
			and (wanted is null or p.id = any (wanted)) and (after is null or p.id > after)
		order by p.id limit most) p
	cross join lateral (select ((coalesce(p.activated_at, p.created_at) at time zone program.zone)
		+ make_interval(days => program.tier_immunity_days)) at time zone program.zone as until) i
	cross join lateral (select coalesce(jsonb_agg(jsonb_build_array(x.value, x.is_more) order by m.place), '[]') as list
		from jsonb_array_elements(measures) with ordinality m(measure, place)
		cross join lateral partner_metric(p.id, m.measure->>'metric', (m.measure->>'window_days')::int, now, program.zone,
			program.currency) x) v;
	return jsonb_build_object('now', now, 'period_on', period, 'grace_reviews', program.tier_grace_reviews,
		'tiers', ladder, 'measures', measures, 'partners', standings,
		'next_review_on', (period + make_interval(months => program.tier_review_months))::date);
end $$;

-- ---- what is kept ----

-- The partner's own row, where the review changes it, with its event and the line of its history.
create or replace function tier_review_apply(result jsonb, period date, request jsonb) returns boolean language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	partner constant uuid := result->>'partner_id';
	old partners%rowtype;
	before jsonb;
begin
	select * into old from partners p
	where p.program_id = app_program() and p.id = partner and p.version = (result->>'version')::int and p.status = 'active'
	for update;
	if not found then
		raise exception 'the partner has changed' using errcode = 'PD000';
	end if;
	if (result->>'to_tier_id')::uuid is not distinct from old.tier_id
		and (result->>'failed_reviews')::int = old.failed_reviews then
		return false;
	end if;
	select to_jsonb(s) into before from partner_shape s where s._program_id = app_program() and s.id = partner;
	update partners p set tier_id = (result->>'to_tier_id')::uuid, failed_reviews = (result->>'failed_reviews')::int,
		at_risk_since = case when (result->>'failed_reviews')::int > 0 then coalesce(p.at_risk_since, now) end,
		failed_period_on = case when (result->>'counts')::boolean then period else p.failed_period_on end,
		version = p.version + 1, updated_at = now
	where p.program_id = app_program() and p.id = partner;
	if result->>'to_tier_id' is distinct from old.tier_id::text then
		perform from tiers t where t.program_id = app_program() and t.id = (result->>'to_tier_id')::uuid
			and t.status = 'published' for share;
		if not found then
			raise exception 'the tier is no more' using errcode = 'PD000';
		end if;
		insert into partner_tier_changes (program_id, id, partner_id, from_tier_id, to_tier_id, reason, changed_by_id,
			effective_at)
		values (app_program(), (result->>'change_id')::uuid, partner, old.tier_id, (result->>'to_tier_id')::uuid,
			result->>'reason', (request->>'actor_id')::uuid, now);
	end if;
	perform publish(request - 'key', jsonb_build_object('event_id', result->>'partner_event_id', 'event', case
			when result->>'to_tier_id' is distinct from old.tier_id::text then 'partner.tier_changed'
			when (result->>'failed_reviews')::int > 0 then 'partner.at_risk'
			else 'partner.risk_cleared' end), 'partner', before, to_jsonb(s))
	from partner_shape s where s._program_id = app_program() and s.id = partner;
	return true;
end $$;

-- Stores the results of one batch and applies them. The caller made the ids.
create or replace function tier_reviews_store(evaluation uuid, period date, results jsonb, request jsonb) returns int
language plpgsql as
$$
declare
	result jsonb;
	stored int := 0;
begin
	for result in select r from jsonb_array_elements(results) r order by (r->>'partner_id')::uuid loop
		perform tier_review_apply(result, period, request);
		insert into tier_reviews (program_id, id, evaluation_id, partner_id, outcome, from_tier_id, to_tier_id,
			earned_tier_id, failed_reviews, tiers, decision_id, reviewed_at)
		values (app_program(), (result->>'review_id')::uuid, evaluation, (result->>'partner_id')::uuid, result->>'outcome',
			(result->>'from_tier_id')::uuid, (result->>'to_tier_id')::uuid, (result->>'earned_tier_id')::uuid,
			(result->>'failed_reviews')::int, result->'tiers', (result->>'decision_id')::uuid, program_now());
		perform publish(request - 'key', jsonb_build_object('event_id', result->>'event_id', 'event', 'partner.tier_reviewed',
				'decision_id', result->>'decision_id', 'rule_set', result->>'rule_set',
				'rule_set_version', result->'rule_set_version', 'steps', result->'steps', 'inputs', result->'inputs',
				'outcome', jsonb_build_object('outcome', result->'outcome', 'from_tier_id', result->'from_tier_id',
					'to_tier_id', result->'to_tier_id', 'earned_tier_id', result->'earned_tier_id',
					'failed_reviews', result->'failed_reviews', 'tiers', result->'tiers')),
			'tier_review', null, to_jsonb(s))
		from tier_review_shape s where s._program_id = app_program() and s.id = (result->>'review_id')::uuid;
		stored := stored + 1;
	end loop;
	return stored;
end $$;

create or replace function tier_evaluation_count(evaluation uuid, results jsonb) returns boolean language plpgsql as
$$
begin
	update tier_evaluations e set reviewed_count = e.reviewed_count + n.reviewed,
		upgraded_count = e.upgraded_count + n.upgraded, downgraded_count = e.downgraded_count + n.downgraded,
		at_risk_count = e.at_risk_count + n.at_risk
	from (select count(*) as reviewed, count(*) filter (where r->>'outcome' = 'upgraded') as upgraded,
			count(*) filter (where r->>'outcome' = 'downgraded') as downgraded,
			count(*) filter (where r->>'outcome' = 'at_risk') as at_risk
		from jsonb_array_elements(results) r) n
	where e.program_id = app_program() and e.id = evaluation;
	return found;
end $$;

-- An evaluation begins, with the results of its first batch; it is complete when there is no more. A dry
-- run counts and stores nothing else, and may follow the evaluation of the period.
create or replace function tier_evaluation_start(evaluation uuid, decision jsonb, request jsonb) returns int language plpgsql as
$$
declare
	now constant timestamptz := program_now();
begin
	insert into tier_evaluations (program_id, id, kind, status, period_on, review_key, cursor_id, started_by_type,
		started_by_id, completed_at, created_at, updated_at)
	values (app_program(), evaluation, decision->>'kind', case when (decision->>'has_more')::boolean then 'running'
			else 'completed' end, (decision->>'period_on')::date, (decision->>'review_key')::date,
		(decision->>'cursor_id')::uuid, request->>'actor_type',
		(request->>'actor_id')::uuid, case when not (decision->>'has_more')::boolean then now end, now, now);
	if not (decision->>'is_dry_run')::boolean then
		perform tier_reviews_store(evaluation, (decision->>'period_on')::date, decision->'results', request);
	end if;
	perform tier_evaluation_count(evaluation, decision->'results');
	return 1;
end $$;

-- The evaluation that has work to do: one that is under way, or the one of a new period, which begins here. A program is
-- not reviewed for the period it was made in.
create or replace function tier_evaluation_due(new_id uuid) returns uuid language plpgsql as
$$
declare
	found_id uuid;
	now constant timestamptz := program_now();
begin
	insert into tier_evaluations (program_id, id, kind, status, period_on, review_key, started_by_type, started_by_id, created_at,
		updated_at)
	select g.id, new_id, 'all', 'running', d.period_on, d.period_on, 'system', g.id, now, now
	from programs g
	cross join lateral (select tier_period((now at time zone g.zone)::date, g.fiscal_year_start_month, g.tier_review_months)
		as period_on) d
	where g.id = app_program() and g.created_at < d.period_on::timestamp at time zone g.zone
		and not exists (select from tier_evaluations e where e.program_id = g.id and e.review_key = d.period_on)
	on conflict do nothing;
	select e.id into found_id from tier_evaluations e
	where e.program_id = app_program() and e.status = 'running' order by e.created_at, e.id limit 1;
	return found_id;
end $$;

-- One more batch of an evaluation that is under way; 0 when another process has done it already.
create or replace function tier_evaluation_go_on(decision jsonb, request jsonb) returns int language plpgsql as
$$
declare
	evaluation constant uuid := decision->>'evaluation_id';
	now constant timestamptz := program_now();
	before jsonb;
	period date;
begin
	select e.period_on into period from tier_evaluations e
	where e.program_id = app_program() and e.id = evaluation and e.status = 'running'
		and e.cursor_id is not distinct from (decision->>'after')::uuid
	for update;
	if not found then
		return 0;
	end if;
	select to_jsonb(s) into before from tier_evaluation_shape s where s._program_id = app_program() and s.id = evaluation;
	perform tier_reviews_store(evaluation, period, decision->'results', request);
	perform tier_evaluation_count(evaluation, decision->'results');
	update tier_evaluations e set cursor_id = coalesce((decision->>'cursor_id')::uuid, e.cursor_id),
		status = case when (decision->>'has_more')::boolean then 'running' else 'completed' end,
		completed_at = case when not (decision->>'has_more')::boolean then now end, version = e.version + 1, updated_at = now
	where e.program_id = app_program() and e.id = evaluation;
	if not (decision->>'has_more')::boolean then
		perform publish(request, jsonb_build_object('event_id', decision->>'event_id', 'event', 'tier_evaluation.completed'),
			'tier_evaluation', before, to_jsonb(s))
		from tier_evaluation_shape s where s._program_id = app_program() and s.id = evaluation;
	end if;
	return 1;
end $$;
