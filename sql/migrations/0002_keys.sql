-- SPDX-License-Identifier: Apache-2.0
--
-- Signing keys: the private half is sealed by the server with a key that is not in the database (base/vault.h; what stands
-- here in clear is sealed when a server starts), and any number of keys may be announced.
--
-- The ledger: what may have to be erased one day, the content of an entry and the address of who acted, is hashed
-- together with a salt of its own. When both are gone the hash tells nothing, not even to somebody who guesses right; an
-- unsalted hash of an e-mail address or an IPv4 address is found by trying them all. Entries from before have format 1:
-- their content has no salt, and their hash covers the address itself.

alter table signing_keys rename column private_pem to private_key;
drop index signing_keys_one_next;

alter table audit_entries
	add column format int not null default 1,
	add column content_salt bytea,
	add column address_salt bytea,
	add column address_hash bytea;
alter table audit_entries alter column format set default 2;

drop function if exists audit_content_hash(jsonb, jsonb);

-- The filters of the log by actor and by action, newest first.
create index audit_entries_by_actor on audit_entries (program_id, actor_id, occurred_at, id);
