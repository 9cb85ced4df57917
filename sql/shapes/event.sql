-- SPDX-License-Identifier: Apache-2.0
--
-- The feed: only what has been sealed, so that a reader who goes by sequence never misses a late commit. data and
-- previous are flat rows of the resource's own shape; the writer renders them for whoever reads. What changed nothing
-- but members that only the vendor sees is no event for partners. Whatever the feed is asked by is said by the entry of
-- the ledger, as publish wrote both: an index that has the sequence too is then read in the feed's order.
create view event_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	e.id,
	'event'::text as object,
	a.seq as sequence,
	a.action as type,
	e.occurred_at,
	'v1'::text as api_version,
	g.environment,
	e.actor_type as "actor.type",
	e.actor_id as "actor.id",
	e.client_id as "origin.client_id",
	a.resource_type as "resource.object",
	a.resource_id as "resource.id",
	e.resource_version as "resource.version",
	e.partner_id,
	e.decision_id,
	e.resource_type as _flat_type,
	e.data as "flat:data",
	e.previous as "flat:previous"
from events e
join audit_entries a on a.program_id = e.program_id and a.id = e.id and a.seq is not null
join programs g on g.id = e.program_id
where (select app_is_vendor()) or e.previous = '{}'
	or exists (select from jsonb_object_keys(e.previous) k(member) where left(k.member, 7) <> 'vendor:');

grant select on event_shape to partnerd_app;
