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
