-- SPDX-License-Identifier: Apache-2.0

-- Where the deal is and where it shall go: a person of the partner that has it then, and that partner's room
-- and what it has for the same customer already.
-- name: deal_reassign_facts
select d.status, d.protected_until, program_now() as now, d.partner_id, d.owner_id as present_owner_id, t.id as target_id,
	t.status as target_status, case when t.id is not null then deal_twin(d.id, t.id) end as twin_id, u.id as owner_id, l.open_limit,
	case when l.open_limit is not null then deal_open_count(t.id) end as open_count
from deals d
left join partners t on t.program_id = d.program_id and t.id = ($4->>'partner_id')::uuid
left join users u on u.program_id = d.program_id and u.id = ($4->>'owner_id')::uuid
	and u.partner_id = coalesce(t.id, d.partner_id) and u.status in ('invited', 'active')
cross join lateral (select case when d.status <> 'draft' then deal_limit_of(t.id, t.tier_id) end as open_limit
	where t.id is not null union all select null where t.id is null offset 0) l
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- name: deal_reassign
select assert_written(deal_reassign($6, $5, $3, $7))
