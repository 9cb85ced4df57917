-- SPDX-License-Identifier: Apache-2.0

-- Who is to have the account, and whether somebody else's protection is in its way.
-- name: deal_conflict_facts
select w.id as winner_id, w.status as winner_status, w.number as winner_number,
	exists (select from deal_holders(w.id) h
		join deals d on d.program_id = c.program_id and d.id = h.rival_id
		where d.status in ('approved', 'won')) as is_protected,
	coalesce(deal_lives(w.status, w.protected_until, program_now()), false) as winner_lives
from deal_conflicts c
left join deal_conflict_deals x on x.program_id = c.program_id and x.conflict_id = c.id
	and x.deal_id = ($4->>'winner_deal_id')::uuid
left join deals w on w.program_id = x.program_id and w.id = x.deal_id
where c.program_id = $1 and c.id = $3

-- name: deal_conflict_resolve
select assert_written(deal_conflict_resolve($6, $5, $3)::int)
