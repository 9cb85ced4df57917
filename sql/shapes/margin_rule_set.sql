-- SPDX-License-Identifier: Apache-2.0
--
-- A published rule set is planned until its beginning has come, then in force until that of the next one has.
create view margin_rule_set_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	null::uuid as _partner_id,
	s.status <> r.status as _is_newer,
	r.id,
	'margin_rule_set'::text as object,
	r.version,
	r.name,
	r.number,
	s.status,
	r.currency,
	r.rules,
	r.accelerators,
	r.quote_valid_days,
	r.distributor_override_bps,
	r.channel_cap_bps,
	r.warnings,
	r.valid_from,
	r.published_at,
	r.published_by_id,
	r.created_at,
	r.updated_at,
	s.status as allowed_actions
from margin_rule_sets r
cross join lateral (select case
	when r.status <> 'published' then r.status
	when r.valid_from > (select program_now()) then 'planned'
	when exists (select from margin_rule_sets w where w.program_id = r.program_id and w.status = 'published'
		and (w.valid_from, w.number) > (r.valid_from, r.number) and w.valid_from <= (select program_now())) then 'past'
	else 'in_force' end as status) s;

grant select on margin_rule_set_shape to partnerd_app;
