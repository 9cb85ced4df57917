-- SPDX-License-Identifier: Apache-2.0

-- The tier asked for; for a new partner that of its type, or else the lowest one, whose terms are in force; and for
-- one that is there the agreement of its type that it has not accepted.
-- name: partner_facts
select t.id as tier_id, t.status as tier_status, program_now() as now,
	(select o.agreement_key from partners p
		join partner_types o on o.program_id = p.program_id and o.key = p.type
		where p.program_id = $1 and p.id = $3 and o.agreement_key is not null and not exists (
			select from partner_agreements a
			join agreement_templates m on m.program_id = a.program_id and m.id = a.template_id and m.key = o.agreement_key
			where a.program_id = $1 and a.partner_id = $3 and a.status = 'accepted')) as missing_agreement
from programs g
left join partner_types y on y.program_id = g.id and y.key = $4->>'type'
left join lateral (
	select t.id, case when t.status = 'published' and v.terms_id is null then 'scheduled' else t.status end as status
	from tiers t left join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	where t.program_id = $1 and case when $4 ? 'tier_id' and $4->>'tier_id' is not null then t.id = ($4->>'tier_id')::uuid
		else t.status = 'published' and v.terms_id is not null end
	order by t.id is distinct from y.default_tier_id, t.rank limit 1
) t on true
where g.id = $1

-- name: partner_create
with tier as (
	select t.id from tiers t join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	where t.program_id = $1 and t.id = ($5->>'tier_id')::uuid and t.status = 'published'
	for share of t
), written as (
	insert into partners (program_id, id, number, name, legal_name, type, tier_id, country, website, industries,
		languages, regions, lead_capacity, addresses, external_ids, custom_fields, created_at, updated_at)
	select $1, $3, 'P-' || human_number(nextval('partner_numbers')), b.name, b.legal_name, b.type,
		($5->>'tier_id')::uuid, b.country, b.website, coalesce(b.industries, '[]'), coalesce(b.languages, '[]'),
		coalesce(b.regions, '[]'), b.lead_capacity, coalesce($5->'addresses', '[]'), coalesce(b.external_ids, '{}'),
		coalesce(b.custom_fields, '{}'), n.now, n.now
	from jsonb_to_record($4) as b(name text, legal_name text, type text, country text, website text, industries jsonb,
		languages jsonb, regions jsonb, lead_capacity int, external_ids jsonb, custom_fields jsonb)
	cross join (select program_now() as now) n
	where $5->>'tier_id' is null or exists (select from tier)
	returning id, tier_id
), placed as (
	insert into partner_tier_changes (program_id, id, partner_id, from_tier_id, to_tier_id, reason, changed_by_id, effective_at)
	select $1, ($5->>'tier_change_id')::uuid, w.id, null, w.tier_id, null, ($6->>'actor_id')::uuid, program_now()
	from written w where w.tier_id is not null
)
select assert_written(count(*)) from written

-- Every change of a partner: decision.set holds the new values. A new tier goes into the history; termination ends what
-- was not decided (decision.counted) and the tokens of the partner's people and clients at once, what territories it has,
-- and what is offered to it.
-- name: partner_change
with tier as (
	select t.id from tiers t join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	where t.program_id = $1 and t.id = ($5->'set'->>'tier_id')::uuid and t.status = 'published'
	for share of t
), written as (
	update partners p
	set (name, legal_name, status, status_reason, status_reason_code, tier_id, country, website, industries, languages, regions,
		lead_capacity, addresses, external_ids, custom_fields, activated_at, terminated_at, failed_reviews,
		at_risk_since, override_reason, override_by_id, override_from, override_until)
		= (select r.name, r.legal_name, r.status, r.status_reason, r.status_reason_code, r.tier_id, r.country, r.website, r.industries,
			r.languages, r.regions, r.lead_capacity, r.addresses, r.external_ids, r.custom_fields, r.activated_at,
			r.terminated_at, r.failed_reviews, r.at_risk_since, r.override_reason, r.override_by_id, r.override_from,
			r.override_until from jsonb_populate_record(p, $5->'set') r),
		version = p.version + 1, updated_at = program_now()
	where p.program_id = $1 and p.id = $3 and ($2 is null or p.id = $2)
		and p.version = ($5->>'expected_version')::int
		and (not $5->'set' ? 'tier_id' or exists (select from tier))
	returning p.id, p.tier_id, p.status
), moved as (
	insert into partner_tier_changes (program_id, id, partner_id, from_tier_id, to_tier_id, reason, changed_by_id, effective_at)
	select $1, ($5->>'tier_change_id')::uuid, w.id, ($7->>'tier_id')::uuid, w.tier_id, $5->>'reason',
		($6->>'actor_id')::uuid, program_now()
	from written w where $5->'set' ? 'tier_id'
), ended as (
	insert into revocations (principal_id, program_id)
	select x.id, $1 from written w, lateral (
		select u.id from users u where u.program_id = $1 and u.partner_id = w.id
		union all
		select c.id from api_clients c where c.program_id = $1 and c.partner_id = w.id) x
	where w.status = 'terminated'
	on conflict (principal_id) do update set revoked_at = clock_timestamp()
)
select assert_written(coalesce(sum(case when $5 ? 'counted' then partner_end_begin($6, written.id, $5) else 1 end), 0)::bigint),
	case when $5->'set'->>'status' = 'terminated' then pg_notify('partnerd', 'revoked') end,
	case when $5->'set'->>'status' = 'terminated' then territories_end($6, $3, 'The partner was terminated.') end,
	case when $5->'set'->>'status' = 'terminated' then relations_end($6, $3, 'The partner was terminated.') end,
	case when $5->'set'->>'status' = 'terminated' then agreements_end($6, $3) end
from written
