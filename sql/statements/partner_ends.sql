-- SPDX-License-Identifier: Apache-2.0

-- What a partner has that its end concerns; target: the partner a duplicate is to become part of.
-- name: partner_end_facts
select program_now() as now, o.status as target_status, (n.deals->>'all')::bigint as all_deals,
	(n.deals->>'open')::bigint as open_deals, (n.deals->>'approved')::bigint as approved_deals,
	partner_receives($3) as receives,
	(select a.source || ':' || a.external_id from deal_external_ids a
		join deal_external_ids b on b.program_id = a.program_id and b.partner_id = o.id and b.source = a.source
			and b.external_id = a.external_id
		where a.program_id = $1 and a.partner_id = $3 and o.id <> $3 order by 1 limit 1) as shared_external_id
from (select partner_deals_count($3) as deals offset 0) n
left join partners o on o.program_id = $1 and o.id = ($4->>'into_partner_id')::uuid

-- name: partner_merge
select assert_written(partner_merge($6, $3, $5))
