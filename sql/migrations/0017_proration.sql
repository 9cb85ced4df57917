-- SPDX-License-Identifier: Apache-2.0
--
-- By which rate a period is billed in which the rate changes: that of its first day, or each day's own (domain.md §5.10).

alter table programs
	add column proration_rate_at text not null default 'invoice',
	add constraint programs_proration_rate_at_check check (proration_rate_at in ('invoice', 'daily'));
