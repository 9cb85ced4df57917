-- SPDX-License-Identifier: Apache-2.0
--
-- The ledger is read in its own order, by time or by sequence. What few entries have in common is found in that order
-- by an index, so that nobody walks through all the others to a page.

create index audit_entries_by_partner on audit_entries (program_id, partner_id, occurred_at, id);
create index audit_entries_by_action on audit_entries (program_id, action, occurred_at, id);
create index audit_entries_by_object on audit_entries (program_id, resource_type, occurred_at, id);
create index audit_entries_by_address on audit_entries (program_id, address, occurred_at, id) where address is not null;
create index audit_entries_by_request on audit_entries (program_id, request_id) where request_id is not null;

-- The feed: what a partner is told, and each type of event.
create index audit_entries_feed_of_partner on audit_entries (program_id, partner_id, seq) where seq is not null;
create index audit_entries_feed_of_type on audit_entries (program_id, action, seq) where seq is not null;
