-- SPDX-License-Identifier: Apache-2.0
create view audit_entry_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	a.id,
	'audit_entry'::text as object,
	a.seq as sequence,
	a.occurred_at,
	a.actor_type as "actor.type",
	a.actor_id as "actor.id",
	a.client_id,
	a.address,
	a.action,
	a.resource_type as "resource.object",
	a.resource_id as "resource.id",
	a.partner_id,
	a.request_id,
	a.resource_type as _flat_type,
	jsonb_build_object('previous', a.previous, 'current', a.current) as "changes:changes",
	encode(a.entry_hash, 'hex') as entry_hash,
	encode(a.prev_hash, 'hex') as prev_hash,
	encode(a.hash, 'hex') as hash
from audit_entries a;

grant select on audit_entry_shape to partnerd_app;
