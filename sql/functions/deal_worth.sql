-- SPDX-License-Identifier: Apache-2.0
--
-- What a won deal is worth in the program's currency. Rates are chosen here, amounts are converted in C
-- (src/domain/fx.c): one rule has one home.

-- The rates in force between some currencies at an instant, one a pair and direction, as answers show them.
create or replace function fx_rates_among(currencies text[], moment timestamptz) returns jsonb language plpgsql stable as
$$
begin
	return (select coalesce(jsonb_agg(jsonb_build_object('fx_rate_id', r.id, 'base', r.base, 'quote', r.quote, 'rate', r.rate,
			'source', r.source, 'valid_from', instant(r.valid_from),
			'valid_from_us', (extract(epoch from r.valid_from) * 1000000)::bigint) order by r.base, r.quote), '[]')
		from (select distinct on (f.base, f.quote) f.* from fx_rates f
			where f.program_id = app_program() and f.status = 'active' and f.valid_from <= moment
				and f.base = any(currencies) and f.quote = any(currencies)
			order by f.base, f.quote, f.valid_from desc) r);
end $$;

-- By which rates a deal that is closed on this day counts: those of now, or of the end of a day that is past.
create or replace function deal_worth_facts(currency text, closed_on date) returns jsonb language plpgsql stable as
$$
declare
	program programs;
	moment timestamptz;
begin
	select * into program from programs g where g.id = app_program();
	moment := least(program_now(), ((closed_on + 1)::timestamp at time zone program.zone) - interval '1 microsecond');
	return jsonb_build_object('from', currency, 'to', program.currency, 'at', instant(moment), 'rates',
		case when currency = program.currency then '[]' else fx_rates_among(array[currency, program.currency], moment) end);
end $$;

-- Which won deals wait for their worth: those that are worth nothing yet, or something in a currency that was the
-- program's before, and from which day on there is a rate for them. One look for each currency there is, not for each
-- deal.
create or replace function deals_worth_waits(money text, zone text)
returns table (worth text, currency text, closed_from date) language plpgsql stable as
$$
begin
	return query with recursive pairs as (
		(select case when d.worth_currency is null then '' else d.worth_currency end as worth, d.currency as currency
		from deals d where d.program_id = app_program() and d.status = 'won'
		order by 1, 2 limit 1)
		union all
		select n.* from pairs p cross join lateral (
			select case when d.worth_currency is null then '' else d.worth_currency end, d.currency
			from deals d where d.program_id = app_program() and d.status = 'won'
				and (case when d.worth_currency is null then '' else d.worth_currency end, d.currency) > (p.worth, p.currency)
			order by 1, 2 limit 1) n
	)
	select p.worth, p.currency,
		case when p.currency = money then '-infinity' else (r.starts_at at time zone zone)::date end
	from pairs p
	cross join lateral (select least(
		(select f.valid_from from fx_rates f where f.program_id = app_program() and f.status = 'active'
			and f.base = p.currency and f.quote = money order by f.valid_from limit 1),
		(select f.valid_from from fx_rates f where f.program_id = app_program() and f.status = 'active'
			and f.base = money and f.quote = p.currency order by f.valid_from limit 1)) as starts_at) r
	where p.worth <> money and (p.currency = money or r.starts_at <= program_now());
end $$;

-- Won deals that are worth nothing yet, though there is a rate for them by now.
create or replace function deals_without_worth(batch int) returns jsonb language plpgsql stable as
$$
declare
	program programs;
begin
	select * into program from programs g where g.id = app_program();
	return (select coalesce(jsonb_agg(jsonb_build_object('deal_id', d.id, 'version', d.version,
			'amount_minor', d.actual_amount_minor, 'facts', d.facts)), '[]')
		from (select w.* from deals_worth_waits(program.currency, program.zone) u
			cross join lateral (select x.id, x.version, x.actual_amount_minor, y.facts from deals x
				cross join lateral (select deal_worth_facts(x.currency, x.closed_on) as facts offset 0) y
				where x.program_id = app_program() and x.status = 'won' and x.currency = u.currency
					and case when x.worth_currency is null then '' else x.worth_currency end = u.worth
					and case when x.closed_on is null then 'infinity'::date else x.closed_on end >= u.closed_from
					and (x.currency = program.currency or jsonb_array_length(y.facts->'rates') > 0)
					and not job_rests(x.program_id, 'convert_deals', x.id)
				order by case when x.worth_currency is null then '' else x.worth_currency end, x.currency,
					case when x.closed_on is null then 'infinity'::date else x.closed_on end, x.id
				limit batch) w
			limit batch) d);
end $$;

-- Stores what they are worth. `worths`: [{deal_id, version, event_id, worth_minor, worth_currency, worth_conversion}].
create or replace function deals_put_worth(request jsonb, worths jsonb) returns int language plpgsql as
$$
declare
	worth record;
	before jsonb;
	stored int := 0;
begin
	for worth in select * from jsonb_to_recordset(worths) as x(deal_id uuid, version int, event_id uuid, worth_minor bigint,
		worth_currency text, worth_conversion jsonb)
	loop
		select to_jsonb(s) into before from deal_shape s where s._program_id = app_program() and s.id = worth.deal_id;
		update deals d
		set worth_minor = worth.worth_minor, worth_currency = worth.worth_currency,
			worth_conversion = nullif(worth.worth_conversion, 'null'), version = d.version + 1, updated_at = program_now()
		where d.program_id = app_program() and d.id = worth.deal_id and d.version = worth.version and d.status = 'won';
		continue when not found;
		perform publish(request, jsonb_build_object('event_id', worth.event_id, 'event', 'deal.converted'), 'deal', before,
			to_jsonb(s))
		from deal_shape s where s._program_id = app_program() and s.id = worth.deal_id;
		stored := stored + 1;
	end loop;
	return stored;
end $$;
