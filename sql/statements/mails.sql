-- SPDX-License-Identifier: Apache-2.0

-- The mail with what is in no event: to whom, and the sealed text.
-- name: mail_read
select s.*, u.email as recipient, m.sealed
from mail_shape s
join mails m on m.program_id = s._program_id and m.id = s.id
join users u on u.program_id = m.program_id and u.id = m.user_id
where s._program_id = $1 and s.id = $3

-- Takes mails that are due, for so long as one attempt may last; whoever dies meanwhile loses them again.
-- name: job_mail_take
with due as (
	select m.program_id, m.id from mails m
	where m.status = 'queued' and m.next_attempt_at <= now() and m.expires_at > now()
	order by m.next_attempt_at, m.id limit ($5->>'batch')::int for update skip locked
), taken as (
	update mails m set attempts = m.attempts + 1, next_attempt_at = now() + make_interval(secs => ($5->>'lease_s')::int)
	from due d where m.program_id = d.program_id and m.id = d.id
	returning m.program_id, m.id, m.user_id, m.attempts, m.sealed
)
select t.program_id, t.id, t.attempts, t.sealed, u.email as recipient
from taken t join users u on u.program_id = t.program_id and u.id = t.user_id

-- What became of an attempt, unless the mail was taken again or withdrawn meanwhile.
-- name: job_mail_done
update mails m set status = $5->>'status', sealed = case when $5->>'status' = 'queued' then m.sealed end,
	sent_at = case when $5->>'status' = 'sent' then now() end, last_error = $5->>'error',
	next_attempt_at = now() + make_interval(secs => ($5->>'delay_s')::int), version = m.version + 1, updated_at = now()
where m.program_id = $1 and m.id = $3 and m.status = 'queued' and m.attempts = ($5->>'attempt')::int

-- A link that is too old is not worth sending, and its text not worth keeping.
-- name: job_mail_expire
with old as (
	select m.program_id, m.id from mails m where m.status = 'queued' and m.expires_at <= now()
	order by m.expires_at limit ($5->>'batch')::int for update skip locked
), expired as (
	update mails m set status = 'expired', sealed = null, version = m.version + 1, updated_at = now()
	from old where m.program_id = old.program_id and m.id = old.id
	returning 1
)
select count(*) as gone from expired

-- name: job_forget_user_tokens
with old as (
	select t.token_hash from user_tokens t where t.expires_at <= now() order by t.expires_at limit ($5->>'batch')::int
), gone as (
	delete from user_tokens t using old where t.token_hash = old.token_hash returning 1
)
select count(*) as gone from gone

-- name: job_forget_ended_mails
with old as (
	select m.program_id, m.id from mails m where m.status <> 'queued' and m.updated_at < now() - interval '90 days'
	order by m.updated_at limit ($5->>'batch')::int
), gone as (
	delete from mails m using old where m.program_id = old.program_id and m.id = old.id returning 1
)
select count(*) as gone from gone

-- ---- forgotten passwords ----

-- name: password_reset_request
insert into password_reset_requests (id, email, program, request_id)
values ($3, lower($4->>'email'), $4->>'program', ($6->>'request_id')::uuid)

-- What was asked for, and for each who is meant: nobody, or the person in each program that has one. A person who was
-- mailed a moment ago is not mailed again.
-- name: job_reset_find
with asked as (
	select r.* from password_reset_requests r
	where not exists (select from job_failures f where f.job = 'password_resets' and f.row_id = r.id and f.retry_at > now())
	order by r.requested_at, r.id limit ($5->>'batch')::int
)
select r.id, r.request_id, p.program_id, p.user_id, p.name, p.program_name
from asked r
left join lateral (
	select u.program_id, u.id as user_id, u.name, g.name as program_name
	from users u
	join programs g on g.id = u.program_id
	left join partners a on a.program_id = u.program_id and a.id = u.partner_id
	where u.email = r.email and (r.program is null or g.slug = r.program) and u.status = 'active'
		and u.password_hash is not null and a.status is distinct from 'terminated'
		and not exists (select from user_tokens t where t.program_id = u.program_id and t.user_id = u.id
			and t.kind = 'password_reset' and t.created_at > now() - interval '15 minutes')
	order by g.slug limit 10
) p on true
order by r.requested_at, r.id

-- Re-asserts that nobody else has just mailed the person.
-- name: job_reset_start
with issued as (
	insert into user_tokens (program_id, user_id, kind, partner_id, token_hash, expires_at)
	select u.program_id, u.id, 'password_reset', u.partner_id, ($5->>'token_hash')::bytea,
		now() + make_interval(secs => ($5->'mail'->>'life_s')::int)
	from users u where u.program_id = $1 and u.id = $3 and u.status = 'active'
	on conflict on constraint user_tokens_pkey do update
	set token_hash = excluded.token_hash, created_at = now(), expires_at = excluded.expires_at
	where user_tokens.created_at <= now() - interval '15 minutes'
	returning program_id, user_id, partner_id
)
select assert_written(count(*)), bool_and(mail_queue($6, $5->'mail', i.program_id, i.user_id)),
	count(audit_append($6, ($5->>'entry_id')::uuid, 'user.password_reset_requested', 'user', i.user_id, null,
		i.partner_id, '{}', '{}'))
from issued i

-- name: job_reset_done
delete from password_reset_requests r
where r.id = any(job_ids($5))
	and not exists (select from job_failures f where f.job = 'password_resets' and f.row_id = r.id and f.retry_at > now())
