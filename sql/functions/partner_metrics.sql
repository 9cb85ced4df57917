-- SPDX-License-Identifier: Apache-2.0
--
-- What a metric of the catalogue (src/domain/metric.c) is worth for a partner at an instant. A computed metric has its
-- branch here; every other is the newest figure that was reported. value is null where nothing was measured; is_more says
-- that the exact value lies above it, by less than one.

-- Days are the program's: the last `days` of them, the present one included.
create or replace function partner_metric(partner uuid, metric text, days int, moment timestamptz, zone text, money text,
	out value bigint, out is_more boolean) language plpgsql stable as
$$
#variable_conflict use_variable
declare
	program constant uuid := app_program();
	today constant date := (moment at time zone zone)::date;
	since constant timestamptz := case when days > 0
		then ((moment at time zone zone) - make_interval(days => days)) at time zone zone end;
	whole bigint;
begin
	is_more := false;
	case metric
	when 'won_amount_minor' then -- in the program's currency, by the rates frozen with the deals
		select least(coalesce(sum(d.worth_minor), 0), 9007199254740991) into value from deals d
		where d.program_id = program and d.partner_id = partner and d.status = 'won' and d.worth_currency = money
			and d.closed_on > today - days and d.closed_on <= today;
	when 'won_deals' then
		select count(*) into value from deals d
		where d.program_id = program and d.partner_id = partner and d.status = 'won'
			and d.closed_on > today - days and d.closed_on <= today;
	when 'registered_deals' then
		select count(*) into value from deals d
		where d.program_id = program and d.partner_id = partner and d.submitted_at >= since and d.submitted_at <= moment;
	when 'win_rate_bps' then
		select count(*) filter (where d.status = 'won') * 10000, count(*) into value, whole from deals d
		where d.program_id = program and d.partner_id = partner and d.status in ('won', 'lost')
			and d.closed_on > today - days and d.closed_on <= today;
		is_more := value % nullif(whole, 0) > 0;
		value := value / nullif(whole, 0);
	when 'certified_people' then
		select count(distinct c.user_id) into value from partner_certifications c
		join users u on u.program_id = c.program_id and u.id = c.user_id and u.partner_id = c.partner_id
			and u.status = 'active'
		where c.program_id = program and c.partner_id = partner and c.revoked_at is null and c.awarded_on <= today
			and (c.expires_on is null or c.expires_on > today);
	when 'people' then
		select count(*) into value from users u
		where u.program_id = program and u.partner_id = partner and u.status = 'active';
	else
		select m.value into value from partner_measurements m
		where m.program_id = program and m.partner_id = partner and m.metric = metric and m.superseded_at is null
			and m.measured_at <= moment and (since is null or m.measured_at > since)
		order by m.measured_at desc, m.created_at desc, m.id desc limit 1;
	end case;
	is_more := coalesce(is_more, false);
end $$;

-- Reports a figure in the place of the one there was for that moment from that source.
create or replace function partner_measure(id uuid, partner uuid, body jsonb, request jsonb) returns bigint language plpgsql as
$$
#variable_conflict use_column
declare
	at constant timestamptz := body->>'measured_at';
begin
	update partner_measurements m set superseded_at = program_now()
	where m.program_id = app_program() and m.partner_id = partner and m.metric = body->>'metric' and m.measured_at = at
		and m.source = body->>'source' and m.superseded_at is null;
	insert into partner_measurements (program_id, id, partner_id, metric, value, measured_at, source, recorded_by_id, created_at)
	values (app_program(), partner_measure.id, partner, body->>'metric', (body->>'value')::bigint, at, body->>'source',
		(request->>'actor_id')::uuid, program_now());
	return 1;
end $$;
