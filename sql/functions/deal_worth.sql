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

-- Won deals that are worth nothing yet, though there is a rate for them by now.
create or replace function deals_without_worth(batch int) returns jsonb language plpgsql stable as
$$
declare
	money constant text := (select g.currency from programs g where g.id = app_program());
begin
	return (select coalesce(jsonb_agg(jsonb_build_object('deal_id', d.id, 'version', d.version,
			'amount_minor', d.actual_amount_minor, 'facts', d.facts)), '[]')
		from (select w.id, w.version, w.actual_amount_minor, y.facts from deals w
			cross join lateral (select deal_worth_facts(w.currency, w.closed_on) as facts) y
			where w.program_id = app_program() and w.status = 'won'
				and (coalesce(w.worth_currency, '') < money or coalesce(w.worth_currency, '') > money)
				and (w.currency = money or jsonb_array_length(y.facts->'rates') > 0)
				and not job_rests(w.program_id, 'convert_deals', w.id)
			order by w.id limit batch) d);
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
