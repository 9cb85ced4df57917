-- SPDX-License-Identifier: Apache-2.0
--
-- What ships (domain.md §4): the benefit catalogue and two sets of tiers. `partnerd program create`, the demo and
-- POST /v1/tiers/apply-preset all start from here.

create or replace function benefit_presets()
returns table (key text, name text, kind text, unit text, choices jsonb, better text)
language sql immutable parallel safe as
$$
	values
		('support_level', 'Support level', 'choice', null, '["community", "business_hours", "priority", "dedicated"]'::jsonb,
			'higher'),
		('first_response_hours', 'First response to severe cases', 'number', 'hours', '[]', 'lower'),
		('account_manager', 'Partner manager of their own', 'boolean', null, '[]', 'higher'),
		('early_access', 'Early access to releases', 'boolean', null, '[]', 'higher'),
		('co_selling', 'Joint sales calls', 'boolean', null, '[]', 'higher'),
		('marketing', 'Marketing support', 'choice', null, '["toolkit", "campaigns", "joint_campaigns"]', 'higher'),
		('territory_rights', 'Territory rights', 'choice', null, '["none", "named_accounts", "exclusive"]', 'higher'),
		('mdf_rate_bps', 'Market development funds, share of sourced revenue', 'bps', null, '[]', 'higher'),
		('training_seats', 'Seats in partner training a year', 'number', 'seats', '[]', 'higher')
$$;

create or replace function tier_presets(preset text)
returns table (rank int, key text, name text, floor_bps int, base_bps int, cap_bps int, benefits jsonb, requirements jsonb)
language sql stable parallel safe as
$$
	with terms(rank, floor_bps, base_bps, cap_bps, benefits) as (values
		(1, 1000, 1000, 1500, '[{"key": "support_level", "value": "community"}, {"key": "marketing", "value": "toolkit"}]'),
		(2, 2000, 2500, 3000, '[{"key": "support_level", "value": "business_hours"},
			{"key": "first_response_hours", "value": 8}, {"key": "co_selling", "value": true},
			{"key": "marketing", "value": "campaigns"}, {"key": "territory_rights", "value": "named_accounts"},
			{"key": "mdf_rate_bps", "value": 200}, {"key": "training_seats", "value": 5}]'),
		(3, 3500, 3500, 4500, '[{"key": "support_level", "value": "dedicated"},
			{"key": "first_response_hours", "value": 4}, {"key": "account_manager", "value": true},
			{"key": "early_access", "value": true}, {"key": "co_selling", "value": true},
			{"key": "marketing", "value": "joint_campaigns"}, {"key": "territory_rights", "value": "exclusive"},
			{"key": "mdf_rate_bps", "value": 500}, {"key": "training_seats", "value": 20}]')
	), names(preset, rank, key, name, requirements) as (values
		('registered_preferred_strategic', 1, 'registered', 'Registered', '[]'),
		('registered_preferred_strategic', 2, 'preferred', 'Preferred',
			'[{"metric": "won_amount_minor", "comparison": "gte", "value": 10000000, "window_days": 365},
			  {"metric": "certified_people", "comparison": "gte", "value": 2, "window_days": null}]'),
		('registered_preferred_strategic', 3, 'strategic', 'Strategic',
			'[{"metric": "won_amount_minor", "comparison": "gte", "value": 50000000, "window_days": 365},
			  {"metric": "certified_people", "comparison": "gte", "value": 6, "window_days": null}]'),
		('bronze_silver_gold', 1, 'bronze', 'Bronze', '[]'),
		('bronze_silver_gold', 2, 'silver', 'Silver',
			'[{"metric": "active_users", "comparison": "gte", "value": 75, "window_days": null},
			  {"metric": "certified_people", "comparison": "gte", "value": 3, "window_days": null},
			  {"metric": "retention_bps", "comparison": "gte", "value": 7000, "window_days": null}]'),
		('bronze_silver_gold', 3, 'gold', 'Gold',
			'[{"metric": "active_users", "comparison": "gte", "value": 300, "window_days": null},
			  {"metric": "certified_people", "comparison": "gte", "value": 6, "window_days": null},
			  {"metric": "retention_bps", "comparison": "gte", "value": 8000, "window_days": null}]')
	)
	select n.rank, n.key, n.name, t.floor_bps, t.base_bps, t.cap_bps, t.benefits::jsonb, n.requirements::jsonb
	from names n join terms t on t.rank = n.rank
	where n.preset = $1
$$;

-- Makes the tiers of a preset and what the catalogue lacks for them. `ids`: of the tiers, by rank. A new program has its
-- tiers from the beginning (-infinity): the clock of a sandbox may be set to any time.
create or replace function tiers_from_preset(program uuid, preset text, ids jsonb, begins timestamptz) returns int
language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	made int;
begin
	insert into benefits (program_id, id, key, name, kind, unit, choices, better, created_at, updated_at)
	select program, gen_random_uuid(), b.key, b.name, b.kind, b.unit, b.choices, b.better, now, now from benefit_presets() b
	on conflict on constraint benefits_key_key do nothing;
	insert into tiers (program_id, id, key, name, rank, status, published_at, created_at, updated_at)
	select program, (ids->>(p.rank - 1))::uuid, p.key, p.name, p.rank, 'published', now, now, now from tier_presets(preset) p;
	insert into tier_versions (program_id, id, tier_id, number, status, floor_bps, base_bps, cap_bps, benefits, requirements,
		valid_from, published_at, created_at)
	select program, gen_random_uuid(), (ids->>(p.rank - 1))::uuid, 1, 'published', p.floor_bps, p.base_bps, p.cap_bps,
		p.benefits, p.requirements, begins, now, now
	from tier_presets(preset) p;
	get diagnostics made = row_count;
	return made;
end $$;

-- The preset for a program that has no published tiers; with an event for each tier. A program that has just these is left
-- alone. decision: tier_ids, tier_event_ids.
create or replace function tiers_apply_preset(preset text, decision jsonb, request jsonb) returns int language plpgsql as
$$
declare
	program constant uuid := app_program();
	published text[];
	made record;
begin
	update programs g set version = g.version + 1, updated_at = now() where g.id = program;
	published := array(select t.key from tiers t where t.program_id = program and t.status = 'published' order by t.rank);
	if published = array(select p.key from tier_presets(preset) p order by p.rank) then
		raise exception 'nothing changed' using errcode = 'PD002';
	end if;
	if published <> '{}' then
		return 0;
	end if;
	perform tiers_from_preset(program, preset, decision->'tier_ids', program_now());
	for made in select s.rank, to_jsonb(s) as row from tier_shape s where s._program_id = program and s.id in
		(select x::uuid from jsonb_array_elements_text(decision->'tier_ids') x) order by s.rank
	loop
		perform publish(request - 'key', jsonb_build_object('event_id', decision->'tier_event_ids'->>(made.rank - 1),
			'event', 'tier.published'), 'tier', null, made.row);
	end loop;
	if not tiers_fit_program() then
		return 0;
	end if;
	return 1;
end $$;
