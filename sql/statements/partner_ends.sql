-- SPDX-License-Identifier: Apache-2.0

-- What a partner has that its end concerns; target: the partner a duplicate is to become part of.
-- name: partner_end_facts
select n.now, o.status as target_status,
	(select count(*) from deals d where d.program_id = $1 and d.partner_id = $3) as all_deals,
	(select count(*) from deals d where d.program_id = $1 and d.partner_id = $3
		and d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')) as open_deals,
	(select count(*) from deals d where d.program_id = $1 and d.partner_id = $3 and d.status = 'approved'
		and d.protected_until > n.now) as approved_deals,
	(select a.source || ':' || a.external_id from deal_external_ids a
		join deal_external_ids b on b.program_id = a.program_id and b.partner_id = o.id and b.source = a.source
			and b.external_id = a.external_id
		where a.program_id = $1 and a.partner_id = $3 and o.id <> $3 order by 1 limit 1) as shared_external_id
from (select program_now() as now) n
left join partners o on o.program_id = $1 and o.id = ($4->>'into_partner_id')::uuid

-- name: partner_merge
select assert_written(partner_merge($6, $3, $5))
