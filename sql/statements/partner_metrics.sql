-- SPDX-License-Identifier: Apache-2.0

-- name: partner_metric_facts
select program_now() as now, p.id as partner_id
from programs g
left join partners p on p.program_id = g.id and p.id = ($4->>'partner_id')::uuid
where g.id = $1

-- name: partner_metric_record
select assert_written(partner_measure($3, p.id, $4 || jsonb_build_object('measured_at', $5->'measured_at'), $6))
from partners p where p.program_id = $1 and p.id = ($4->>'partner_id')::uuid
