-- SPDX-License-Identifier: Apache-2.0

-- name: job_programs
select g.id from programs g order by g.id

-- name: job_seal
select s.sealed, s.head_seq, encode(s.head_hash, 'hex') as head_hash,
	exists (select from audit_checkpoints k where k.program_id = $1 and k.seq = s.head_seq) as is_signed
from audit_seal(1000) s

-- name: job_checkpoint
insert into audit_checkpoints (program_id, seq, hash, signature)
values ($1, ($5->>'seq')::bigint, decode($5->>'hash', 'hex'), $5->>'signature')
on conflict do nothing

-- name: job_expire
select deals_expire($6, $5->'event_ids') as expired

-- Idempotency keys are kept for 7 days, spent tokens and revocations a day beyond their use. Events are kept: they are
-- the timeline of what they are about.
-- name: job_forget_keys
with old as (
	select k.principal_id, k.key from idempotency_keys k
	where k.program_id = $1 and k.created_at < now() - interval '7 days' limit 1000
)
delete from idempotency_keys k using old
where k.program_id = $1 and k.principal_id = old.principal_id and k.key = old.key

-- name: job_forget_tokens
with tokens as (
	delete from refresh_tokens t where t.expires_at < now() - interval '1 day'
)
delete from revocations r where r.revoked_at < now() - interval '1 day'

-- The demo's story is told on the days it is about.
-- name: seed_clock
update programs g set test_now = ($4->>'now')::timestamptz where g.id = $1
