-- SPDX-License-Identifier: Apache-2.0
--
-- Identity providers and the links of their subjects to users, as the vendor's admins manage them. Every write that
-- changes whose tokens are good tells the instances.

-- name: identity_provider_facts
select g.slug, program_now() as now from programs g where g.id = $1

-- name: identity_provider_create
with written as (
	insert into identity_providers (program_id, id, name, issuer, audience, accepts_plain_jwt, uses_token_scopes,
		asserts_second_factor, matches_verified_email, creates_users, role_claim, role_rules, default_role, partner_id,
		partner_claim, created_at, updated_at)
	select $1, $3, r.name, r.issuer, r.audience, r.accepts_plain_jwt, r.uses_token_scopes, r.asserts_second_factor,
		r.matches_verified_email, r.creates_users, r.role_claim, r.role_rules, r.default_role, r.partner_id,
		r.partner_claim, program_now(), program_now()
	from jsonb_populate_record(null::identity_providers, $5->'set') r
	returning id
)
select assert_written(count(*)), pg_notify('partnerd', 'providers') from written

-- name: identity_provider_change
with written as (
	update identity_providers i
	set (name, audience, status, accepts_plain_jwt, uses_token_scopes, asserts_second_factor, matches_verified_email,
		creates_users, role_claim, role_rules, default_role, partner_id, partner_claim)
		= (select r.name, r.audience, r.status, r.accepts_plain_jwt, r.uses_token_scopes, r.asserts_second_factor,
			r.matches_verified_email, r.creates_users, r.role_claim, r.role_rules, r.default_role, r.partner_id,
			r.partner_claim from jsonb_populate_record(i, $5->'set') r),
		version = i.version + 1, updated_at = program_now()
	where i.program_id = $1 and i.id = $3 and i.version = ($5->>'expected_version')::int
	returning i.id
)
select assert_written(count(*)), pg_notify('partnerd', 'providers') from written

-- The user and the provider that are to be linked; columns of what does not exist are null.
-- name: user_identity_facts
select u.id as user_id, u.partner_id as user_partner_id, i.id as provider_id, i.partner_id as provider_partner_id
from programs g
left join users u on u.program_id = g.id and u.id = ($4->>'user_id')::uuid and u.status <> 'erased'
left join identity_providers i on i.program_id = g.id and i.id = ($4->>'provider_id')::uuid
where g.id = $1

-- The provider's row is locked: it must still be for this partner.
-- name: user_identity_link
with provider as (
	select i.id, i.partner_id from identity_providers i
	where i.program_id = $1 and i.id = ($4->>'provider_id')::uuid for share
), written as (
	insert into user_identities (program_id, id, user_id, provider_id, subject, origin, created_at, updated_at)
	select $1, $3, u.id, i.id, $4->>'subject', 'linked', program_now(), program_now()
	from users u
	join provider i on i.partner_id is null or i.partner_id = u.partner_id
	where u.program_id = $1 and u.id = ($4->>'user_id')::uuid and u.status <> 'erased'
	returning id
)
select assert_written(count(*)), pg_notify('partnerd', 'providers') from written

-- name: user_identity_unlink
with written as (
	update user_identities l set status = 'unlinked', version = l.version + 1, updated_at = program_now()
	where l.program_id = $1 and l.id = $3 and l.version = ($5->>'expected_version')::int and l.status = 'linked'
	returning l.id, l.provider_id
), told as (
	update identity_providers i set revision = i.revision + 1 from written w
	where i.program_id = $1 and i.id = w.provider_id
)
select assert_written(count(*)), pg_notify('partnerd', 'providers') from written

-- ---- what the server knows of them, at the identity door ----

-- Changes whenever the list below does.
-- name: identity_providers_stamp
select coalesce(md5(string_agg(i.id::text || ' ' || i.version || ' ' || i.revision, ',' order by i.id)), '') as stamp
from identity_providers i where i.status = 'active'

-- name: identity_providers_load
select i.id, i.program_id, i.partner_id, i.issuer, i.audience, i.accepts_plain_jwt, i.uses_token_scopes,
	i.asserts_second_factor, i.matches_verified_email, i.creates_users, i.role_claim, i.role_rules, i.default_role,
	i.partner_claim
from identity_providers i where i.status = 'active' order by i.id

-- How the last reading of the keys ended; no edit of the provider.
-- name: identity_provider_checked
update identity_providers set checked_at = now(), fault = $4->>'fault',
	keys_read_at = case when $4 ? 'fault' then keys_read_at else now() end
where program_id = $1 and id = $3

-- ---- whose token it is, at the identity door ----

-- What is known of a subject: its link, else the user of its verified address; the partner its token names; when the user
-- was last cut off. $4: provider_id, subject, and email, partner where the token has them.
-- name: external_find
select l.id as link_id,
	exists (select from user_identities x where x.program_id = $1 and x.provider_id = ($4->>'provider_id')::uuid
		and x.subject = $4->>'subject' and x.status = 'unlinked') as was_unlinked,
	u.id as user_id, u.partner_id, u.role, u.status, coalesce(a.status, '') as partner_status,
	coalesce(u.role = any (p.second_factor_roles), false) as needs_second_factor,
	n.id as named_id, n.status as named_status,
	external_grant(u.id) as grant_id,
	coalesce((extract(epoch from r.revoked_at) * 1000000)::bigint, 0) as revoked_us,
	l.last_used_at is null or l.last_used_at < now() - interval '10 minutes' as is_use_due
from programs p
left join user_identities l on l.program_id = p.id and l.provider_id = ($4->>'provider_id')::uuid
	and l.subject = $4->>'subject' and l.status = 'linked'
left join users u on u.program_id = p.id
	and case when l.id is not null then u.id = l.user_id else u.email = lower($4->>'email') end
left join partners a on a.program_id = p.id and a.id = u.partner_id
left join partners n on n.program_id = p.id and (n.number = $4->>'partner' or n.id::text = lower($4->>'partner'))
left join revocations r on r.principal_id = u.id
where p.id = $1

-- Like signing in, no edit of the user or the link.
-- name: external_used
with used as (
	update user_identities set last_used_at = now() where program_id = $1 and id = ($4->>'link_id')::uuid
)
update users set last_signed_in_at = now() where program_id = $1 and id = $3

-- Re-asserts what the rule relied on: the provider is on, the subject is nobody's and was never anybody's, the user may
-- sign in. Whoever was invited has now come.
-- name: external_match
with provider as (
	select i.id, i.partner_id from identity_providers i
	where i.program_id = $1 and i.id = ($4->>'provider_id')::uuid and i.status = 'active' and i.matches_verified_email
	for share
), person as (
	update users u set last_signed_in_at = now(), is_accepted = true,
		version = u.version + case u.status when 'invited' then 1 else 0 end,
		updated_at = case u.status when 'invited' then program_now() else u.updated_at end, status = 'active'
	from provider i
	where u.program_id = $1 and u.id = $3 and u.email = lower($4->>'email') and u.status in ('active', 'invited')
		and (i.partner_id is null or i.partner_id = u.partner_id)
	returning u.id
), spent as (
	delete from user_tokens t using person w where t.program_id = $1 and t.user_id = w.id and t.kind = 'invitation'
), written as (
	insert into user_identities (program_id, id, user_id, provider_id, subject, origin, last_used_at, created_at, updated_at)
	select $1, ($4->>'link_id')::uuid, w.id, ($4->>'provider_id')::uuid, $4->>'subject', 'matched', now(), program_now(),
		program_now()
	from person w
	where not exists (select from user_identities x where x.program_id = $1
		and x.provider_id = ($4->>'provider_id')::uuid and x.subject = $4->>'subject')
	returning id
)
select assert_written(count(*)) from written

-- name: external_create
with provider as (
	select i.id, i.partner_id from identity_providers i
	where i.program_id = $1 and i.id = ($4->>'provider_id')::uuid and i.status = 'active' and i.creates_users
	for share
), partner as (
	select a.id from partners a where a.program_id = $1 and a.id = ($4->>'partner_id')::uuid and a.status <> 'terminated'
	for share
), person as (
	insert into users (program_id, id, partner_id, email, name, role, last_signed_in_at, created_at, updated_at)
	select $1, $3, (select a.id from partner a), lower($4->>'email'), $4->>'name', $4->>'role', now(), program_now(),
		program_now()
	from provider i
	where (i.partner_id is null or i.partner_id = ($4->>'partner_id')::uuid)
		and ($4->>'partner_id' is null or exists (select from partner))
	returning id
), written as (
	insert into user_identities (program_id, id, user_id, provider_id, subject, origin, last_used_at, created_at, updated_at)
	select $1, ($4->>'link_id')::uuid, w.id, ($4->>'provider_id')::uuid, $4->>'subject', 'created', now(), program_now(),
		program_now()
	from person w
	where not exists (select from user_identities x where x.program_id = $1
		and x.provider_id = ($4->>'provider_id')::uuid and x.subject = $4->>'subject')
	returning id
)
select assert_written(count(*)) from written

-- Published like a command; the link's id is in $4.
-- name: external_publish
select publish($6, $5, 'user_identity', null, to_jsonb(s)) from user_identity_shape s
where s._program_id = $1 and s.id = ($4->>'link_id')::uuid
