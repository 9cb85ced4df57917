-- SPDX-License-Identifier: Apache-2.0

-- What a request for an extension needs to know of its deal: all times by the calendar of the program's zone. No deal: the
-- columns of d are null.
-- name: deal_extension_facts
select n.now, d.id as deal_id, d.status as deal_status, d.protected_until, p.status as partner_status,
	d.protection_expires_at as extends_from, calendar_days_after(d.protection_expires_at, g.zone, b.days) as extends_to,
	business_days_after(d.protection_expires_at, g.zone, g.extension_grace_days) as grace_until,
	b.days, g.extension_days, g.max_extensions,
	d.extensions as granted,
	(select x.id from deal_extensions x where x.program_id = $1 and x.deal_id = d.id and x.status = 'requested') as open_id
from programs g
cross join (select program_now() as now) n
cross join lateral (select coalesce(($4->>'days')::int, g.extension_days) as days) b
left join deals d on d.program_id = g.id and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
left join partners p on p.program_id = d.program_id and p.id = d.partner_id
where g.id = $1

-- name: deal_extension_request
select assert_written(deal_extension_request($6, $3, $5))

-- The same for a decision on one. It counts from the present end, wherever that has been moved to meanwhile.
-- name: deal_extension_review_facts
select n.now, d.status as deal_status, d.protected_until, d.protection_expires_at as extends_from,
	calendar_days_after(d.protection_expires_at, g.zone, b.days) as extends_to, b.days, g.extension_days
from deal_extensions x
join deals d on d.program_id = x.program_id and d.id = x.deal_id
join programs g on g.id = x.program_id
cross join (select program_now() as now) n
cross join lateral (select coalesce(($4->>'days')::int, x.days) as days) b
where x.program_id = $1 and x.id = $3 and ($2 is null or d.partner_id = $2)

-- name: deal_extension_decide
select assert_written(deal_extension_decide($6, $3, $5))

-- The vendor moves the end of protection, with whatever is asked for meanwhile.
-- name: deal_postpone_facts
select d.status, d.protected_until, n.now, d.protection_expires_at as ends,
	calendar_days_after(d.protection_expires_at, g.zone, ($4->>'days')::int) as new_end,
	case when d.protection_grace_until is not null then business_days_after(
		calendar_days_after(d.protection_expires_at, g.zone, ($4->>'days')::int), g.zone, g.extension_grace_days) end
		as grace_until
from deals d
join programs g on g.id = d.program_id
cross join (select program_now() as now) n
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- name: deal_postpone
with written as (
	update deals d
	set protection_expires_at = ($5->>'new_end')::timestamptz, protection_grace_until = ($5->>'grace_until')::timestamptz,
		decision_comment = $5->>'reason', version = d.version + 1, updated_at = program_now()
	where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)
		and d.version = ($5->>'expected_version')::int and d.status = 'approved' and d.protected_until > program_now()
	returning d.id
)
select assert_written(count(*)) from written

-- name: deal_reopen_facts
select d.status, d.protected_until, d.partner_id, p.status as partner_status, n.now, d.upheld_by, w.id as holder_id,
	w.number as holder_number, w.status as holder_status, w.partner_id = d.partner_id as is_own_holder,
	calendar_days_after(n.now, g.zone, coalesce(($4->>'protection_days')::int, y.protection_days, g.protection_days))
		as protection_ends_at,
	l.open_limit, case when l.open_limit is not null then deal_open_count(p.id) end as open_count
from deals d
join programs g on g.id = d.program_id
join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join partner_types y on y.program_id = p.program_id and y.key = p.type
cross join (select program_now() as now) n
left join deals w on w.program_id = d.program_id and w.id = (select deal_in_the_way($3))
cross join lateral (select deal_limit_of(p.id, p.tier_id) as open_limit offset 0) l
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- name: deal_reopen
select assert_written(deal_reopen($6, $3, $5))
