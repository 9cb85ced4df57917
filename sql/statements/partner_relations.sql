-- SPDX-License-Identifier: Apache-2.0

-- The two partners, the period, and whether it would close a circle.
-- name: relation_facts
select n.now, coalesce(($4->>'starts_at')::timestamptz, n.now) as valid_from, ($4->>'ends_at')::timestamptz as valid_to,
	c.status as child_status, d.status as parent_status, d.type as parent_type,
	case when ($4->>'ends_at')::timestamptz <= coalesce(($4->>'starts_at')::timestamptz, n.now) then false
		else relation_makes_circle(c.id, d.id, coalesce(($4->>'starts_at')::timestamptz, n.now),
			($4->>'ends_at')::timestamptz) end as makes_circle
from (select program_now() as now) n
left join partners c on c.program_id = $1 and c.id = ($4->>'partner_id')::uuid
left join partners d on d.program_id = $1 and d.id = ($4->>'parent_id')::uuid

-- name: relation_create
select assert_written(relation_create($6, $3, $4, $5))

-- name: relation_end_facts
select n.now, coalesce(($4->>'ends_at')::timestamptz, n.now) as ends_at, r.valid_from, r.valid_to
from partner_relations r cross join (select program_now() as now) n
where r.program_id = $1 and r.id = $3

-- name: relation_change
with written as (
	update partner_relations r
	set valid_to = greatest(($5->>'ends_at')::timestamptz, r.valid_from), end_reason = $4->>'reason',
		version = r.version + 1, updated_at = program_now()
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
	returning r.id
)
select assert_written(count(*)) from written

-- What a partner and those below it have open and have won, each deal once: who is below is so by one way only. A
-- distributor counts what the program lets it see.
-- name: partner_roll_up
with recursive top as (
	select p.program_id, p.id from partners p where p.program_id = $1 and p.id = $3 and ($2 is null or p.id = $2)
), member as (
	select t.program_id, t.id, true as is_own from top t
	union all
	select t.program_id, p.id, false from top t cross join lateral partners_below(t.id) b
	join partners p on p.program_id = t.program_id and p.id = b.partner_id
), counted as (
	select m.is_own, d.currency, d.status = 'won' as is_won,
		case when d.status = 'won' then d.actual_amount_minor else d.amount_minor end as amount_minor
	from member m
	join deals d on d.program_id = m.program_id and d.partner_id = m.id
	where d.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold')
		or (d.status = 'approved' and d.protected_until > program_now())
		or (d.status = 'won' and ($4->>'closed_on_gte' is null or d.closed_on >= ($4->>'closed_on_gte')::date)
			and ($4->>'closed_on_lt' is null or d.closed_on < ($4->>'closed_on_lt')::date))
), line as (
	select case when grouping(c.is_own) = 1 then 'total' when c.is_own then 'own' else 'resellers' end as part, c.currency,
		count(*) filter (where not c.is_won) as open_count,
		least(coalesce(sum(c.amount_minor) filter (where not c.is_won), 0), 9007199254740991) as open_minor,
		count(*) filter (where c.is_won) as won_count,
		least(coalesce(sum(c.amount_minor) filter (where c.is_won), 0), 9007199254740991) as won_minor
	from counted c
	group by grouping sets ((c.is_own, c.currency), (c.currency))
)
select t.id as partner_id, (select count(*) from member m where not m.is_own) as reseller_count,
	(select coalesce(jsonb_agg(jsonb_build_object('part', l.part, 'currency', l.currency, 'open_count', l.open_count,
			'open_amount', jsonb_build_object('amount_minor', l.open_minor, 'currency', l.currency),
			'won_count', l.won_count,
			'won_amount', jsonb_build_object('amount_minor', l.won_minor, 'currency', l.currency))
			order by array_position(array['own', 'resellers', 'total'], l.part), l.currency), '[]')
		from line l) as lines
from top t
