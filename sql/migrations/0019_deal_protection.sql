-- SPDX-License-Identifier: Apache-2.0
--
-- Protection of an approved deal ends at its term, or later while an extension that was asked for in time is pending
-- (domain.md §5.6). Whoever judges protection looks at protected_until.

alter table deals
	add column protection_grace_until timestamptz,
	add column protected_until timestamptz
		generated always as (greatest(protection_expires_at, protection_grace_until)) stored;

create index deals_by_protected_until on deals (program_id, protected_until) where status = 'approved';
