-- SPDX-License-Identifier: Apache-2.0

-- name: job_programs
select g.id from programs g order by g.id

-- name: job_seal
select s.sealed, s.head_seq, encode(s.head_hash, 'hex') as head_hash,
	exists (select from audit_checkpoints k where k.program_id = $1 and k.seq = s.head_seq) as is_signed
from audit_seal(($5->>'batch')::int) s

-- name: job_checkpoint
insert into audit_checkpoints (program_id, seq, hash, signature)
values ($1, ($5->>'seq')::bigint, decode($5->>'hash', 'hex'), $5->>'signature')
on conflict do nothing

-- ---- what is due: at most so many rows, their ids first, without those that rest ----

-- name: job_expire_due
select d.id from deals d
where d.program_id = $1 and d.status = 'approved' and d.protected_until <= program_now()
	and not job_rests($1, 'expire', d.id)
order by d.protected_until, d.id limit ($5->>'batch')::int

-- name: job_expire
select deals_expire($6, job_ids($5)) as expired

-- name: job_worth_due
select x->>'deal_id' as id, x::text as deal from jsonb_array_elements(deals_without_worth(($5->>'batch')::int)) x

-- name: job_worth_store
select deals_put_worth($6, $5->'worths') as stored

-- Submissions that a policy may approve by itself. A similar name is for people to compare.
-- name: job_auto_approve_due
select d.id, d.review_round, coalesce(d.customer_match = 'review', false) as is_doubtful
from deals d
where d.program_id = $1 and d.auto_check and not job_rests($1, 'auto_approve', d.id)
order by d.submitted_at, d.id limit ($5->>'batch')::int

-- name: job_auto_checked
update deals d set auto_check = false
where d.program_id = $1 and d.id = ($5->>'id')::uuid and d.review_round = ($5->>'review_round')::int and d.auto_check
returning d.id

-- name: job_remind_due
(select d.id from deals d
	where d.program_id = $1 and d.next_notice_at <= program_now() and not job_rests($1, 'remind', d.id)
	order by d.next_notice_at, d.id limit ($5->>'batch')::int)
union
(select d.id from deals d
	where d.program_id = $1 and d.review_due_at <= program_now() and d.review_escalated_at is null
		and not job_rests($1, 'remind', d.id)
	order by d.review_due_at, d.id limit ($5->>'batch')::int)

-- name: job_remind
select deals_remind($6, job_ids($5)) as reminded

-- name: job_accounts_due
select distinct p.deal_id as id from deal_protections p
join deals d on d.program_id = p.program_id and d.id = p.deal_id and d.status = 'won'
where p.program_id = $1 and p.is_live and p.ends_at <= program_now() and not job_rests($1, 'free_accounts', d.id)
limit ($5->>'batch')::int

-- name: job_free_accounts
select accounts_free(job_ids($5)) as freed

-- name: job_erase_due
select x.user_id as id from erasures x
where x.program_id = $1 and x.completed_at is null and not job_rests($1, 'erase', x.user_id)
order by x.erased_at, x.user_id limit ($5->>'batch')::int

-- name: job_erase
select persons_erase_on($6, job_ids($5), ($5->>'addresses')::int) as erased

-- name: job_end_partners_due
select p.id from partners p
where p.program_id = $1 and p.ending is not null and not job_rests($1, 'end_partners', p.id)
order by p.terminated_at, p.id limit ($5->>'batch')::int

-- name: job_end_partner
select partner_end_go_on($6, ($5->>'id')::uuid, ($5->>'batch')::int) as done

-- ---- what failed ----

-- name: job_attempt
select coalesce(max(f.attempts), 0) + 1 as attempt from job_failures f
where f.program_id = $1 and f.job = $5->>'job' and f.row_id = ($5->>'id')::uuid

-- name: job_put_aside
insert into job_failures (program_id, job, row_id, attempts, retry_at)
values ($1, $5->>'job', ($5->>'id')::uuid, ($5->>'attempt')::int, now() + make_interval(secs => ($5->>'delay_s')::int))
on conflict on constraint job_failures_pkey do update set attempts = excluded.attempts, retry_at = excluded.retry_at

-- What has not failed again for a day is forgiven: no delay is as long.
-- name: job_forget_failures
with gone as (
	delete from job_failures f where f.retry_at < now() - interval '1 day' returning 1
)
select count(*) as gone from gone

-- ---- what is forgotten ----

-- Idempotency keys are kept for 7 days, refresh tokens a day beyond their end, revocations a day beyond the last access
-- token they refuse. Events are kept: they are the timeline of what they are about.
-- name: job_forget_keys
with old as (
	select k.principal_id, k.key from idempotency_keys k
	where k.program_id = $1 and k.created_at < now() - interval '7 days'
	order by k.created_at limit ($5->>'batch')::int
), gone as (
	delete from idempotency_keys k using old
	where k.program_id = $1 and k.principal_id = old.principal_id and k.key = old.key
	returning 1
)
select count(*) as gone from gone

-- name: job_forget_refresh_tokens
with old as (
	select t.token_hash from refresh_tokens t where t.expires_at < now() - interval '1 day'
	order by t.expires_at limit ($5->>'batch')::int
), gone as (
	delete from refresh_tokens t using old where t.token_hash = old.token_hash returning 1
)
select count(*) as gone from gone

-- Where somebody was signed in from is kept for thirty days beyond the session, and no longer.
-- name: job_forget_sessions
with old as (
	(select s.program_id, s.id from sessions s where s.expires_at < now() - interval '30 days'
		order by s.expires_at limit ($5->>'batch')::int)
	union
	(select s.program_id, s.id from sessions s where s.ended_at < now() - interval '30 days'
		order by s.ended_at limit ($5->>'batch')::int)
), gone as (
	delete from sessions s using old where s.program_id = old.program_id and s.id = old.id returning 1
)
select count(*) as gone from gone

-- What is a day old is forgiven long since.
-- name: job_forget_attempts
with old as (
	select a.key from sign_in_attempts a where a.last_at < now() - interval '1 day'
	order by a.last_at limit ($5->>'batch')::int
), gone as (
	delete from sign_in_attempts a using old where a.key = old.key and a.last_at < now() - interval '1 day' returning 1
)
select count(*) as gone from gone

-- name: job_forget_challenges
with old as (
	select c.program_id, c.token_hash from sign_in_challenges c where c.expires_at < now()
	order by c.expires_at limit ($5->>'batch')::int
), gone as (
	delete from sign_in_challenges c using old where c.program_id = old.program_id and c.token_hash = old.token_hash
	returning 1
)
select count(*) as gone from gone

-- name: job_forget_revocations
with old as (
	select r.principal_id, r.revoked_at from revocations r
	where r.revoked_at < now() - interval '1 day' - make_interval(secs => ($5->>'window_s')::int)
	order by r.revoked_at limit ($5->>'batch')::int
), gone as (
	delete from revocations r using old
	where r.principal_id = old.principal_id and r.revoked_at = old.revoked_at
	returning 1
)
select count(*) as gone from gone

-- The demo's story is told on the days it is about.
-- name: seed_clock
update programs g set test_now = ($4->>'now')::timestamptz where g.id = $1

-- Requests are kept for 7 days.
-- name: job_forget_requests
with old as (
	select r.ctid from api_requests r where r.requested_at < now() - interval '7 days'
	limit ($5->>'batch')::int
), gone as (
	delete from api_requests r using old where r.ctid = old.ctid returning 1
)
select count(*) as gone from gone
