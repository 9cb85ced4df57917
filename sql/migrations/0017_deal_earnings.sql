-- SPDX-License-Identifier: Apache-2.0
--
-- How the partner earns by a deal, locked at approval beside the margin: a deal never earns margin and commission, unless
-- the type of the partner says both (domain.md §2).

alter table partner_types
	drop constraint partner_types_earns_check,
	drop constraint partner_types_commission_check,
	add constraint partner_types_earns_check check (earns in ('margin', 'commission', 'both')),
	add constraint partner_types_commission_check check ((earns = 'margin') = (commission_bps is null)
		and commission_bps between 0 and 10000);

alter table deals
	add column earns text,
	add column commission_bps int;

alter table deals no force row level security;
update deals set earns = 'margin' where margin_bps is not null;
alter table deals force row level security;

alter table deals
	drop constraint deals_approval_check,
	add constraint deals_approval_check check (status not in ('approved', 'won')
		or (earns is not null and protection_expires_at is not null)),
	add constraint deals_earns_check check (earns in ('margin', 'commission', 'both')),
	add constraint deals_margin_check check ((margin_bps is not null) = (earns is not null and earns <> 'commission')
		and (margin_bps is null) = (margin_minor is null)),
	add constraint deals_commission_check check ((commission_bps is not null) = (earns is not null and earns <> 'margin')
		and commission_bps between 0 and 10000);
