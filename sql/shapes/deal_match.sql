-- SPDX-License-Identifier: Apache-2.0
--
-- What a deal was found to be like, from both sides: what it met when it was placed, and what came later and met it. The
-- other deal is as it is now. For the vendor's eyes.
create view deal_match_shape with (security_invoker = true) as
select
	m.program_id as _program_id,
	null::uuid as _partner_id,
	m.of_deal_id as _deal_id,
	d.id,
	'deal_match'::text as object,
	m.kind,
	m.matched_on,
	m.similarity_bps,
	m.is_earlier,
	d.number,
	case when d.status = 'approved' and d.protected_until <= (select program_now()) then 'expired' else d.status end as status,
	d.partner_id,
	p.name as partner_name,
	d.customer_name,
	d.customer_country,
	d.claimed_at,
	d.protected_until,
	m.found_at
from (
	select x.program_id, x.deal_id as of_deal_id, x.other_deal_id, x.kind, x.matched_on, x.similarity_bps,
		true as is_earlier, x.found_at
	from deal_matches x
	union all
	select x.program_id, x.other_deal_id, x.deal_id, x.kind, x.matched_on, x.similarity_bps, false, x.found_at
	from deal_matches x
	where not exists (select from deal_matches y where y.program_id = x.program_id and y.deal_id = x.other_deal_id
		and y.other_deal_id = x.deal_id)
) m
join deals d on d.program_id = m.program_id and d.id = m.other_deal_id
join partners p on p.program_id = d.program_id and p.id = d.partner_id;

grant select on deal_match_shape to partnerd_app;
