-- SPDX-License-Identifier: Apache-2.0
--
-- What several statements about applications share.

-- From when on a company may apply again: the latest of the waits that its rejected applications left, or null. Another
-- application is the same company's by website, by name within the country, or by the applicant.
create or replace function application_waits_until(program uuid, application uuid, own_name text, own_country text,
	own_website text, own_email text) returns timestamptz language sql stable as
$$
	select max(a.reapply_from_at) from partner_applications a
	where a.program_id = program and a.status = 'rejected' and a.id <> application
		and (a.applicant_email = lower(own_email) or a.website_host = website_host(own_website)
			or (a.name_key = lower(own_name) and a.country = own_country))
$$;

-- The partner, its place in a tier, its first user with an invitation, and the end of the application, in one go; each is
-- published. 0: the application or the tier is no longer what the decision saw. decision: partner_id, user_id,
-- tier_id, tier_change_id, partner_event_id, user_event_id, token_hash, life_s, mail, comment.
create or replace function application_approve(program uuid, application uuid, request jsonb, decision jsonb)
returns bigint language plpgsql as
$$
declare
	a partner_applications%rowtype;
	now constant timestamptz := program_now();
	partner constant uuid := decision->>'partner_id';
	person constant uuid := decision->>'user_id';
	tier constant uuid := decision->>'tier_id';
	quiet constant jsonb := request - 'key' - 'fingerprint';
begin
	select * into a from partner_applications x
	where x.program_id = program and x.id = application and x.version = (decision->>'expected_version')::int
		and x.status in ('submitted', 'in_review')
	for update;
	if not found then
		return 0;
	end if;
	perform from tiers t join tier_terms_now() v on v.program_id = t.program_id and v.tier_id = t.id
	where t.program_id = program and t.id = tier and t.status = 'published' for share of t;
	if not found and tier is not null then
		return 0;
	end if;
	insert into partners (program_id, id, number, name, legal_name, type, tier_id, country, website, industries, languages,
		regions, external_ids, custom_fields, created_at, updated_at)
	values (program, partner, 'P-' || human_number(nextval('partner_numbers')), a.name, a.legal_name, a.type, tier,
		a.country, a.website, a.industries, a.languages, a.regions, a.external_ids, a.custom_fields, now, now);
	if tier is not null then
		insert into partner_tier_changes (program_id, id, partner_id, from_tier_id, to_tier_id, reason, changed_by_id,
			effective_at)
		values (program, (decision->>'tier_change_id')::uuid, partner, null, tier, null, (request->>'actor_id')::uuid, now);
	end if;
	perform publish(quiet, jsonb_build_object('event_id', decision->>'partner_event_id', 'event', 'partner.created'),
		'partner', null, to_jsonb(s))
	from partner_shape s where s._program_id = program and s.id = partner;
	insert into users (program_id, id, partner_id, email, name, role, status, is_accepted, created_at, updated_at)
	values (program, person, partner, a.applicant_email, a.applicant_name, 'partner_admin', 'invited', false, now, now);
	insert into user_tokens (program_id, user_id, kind, partner_id, token_hash, expires_at)
	values (program, person, 'invitation', partner, (decision->>'token_hash')::bytea,
		now() + make_interval(secs => (decision->>'life_s')::int));
	perform publish(quiet, jsonb_build_object('event_id', decision->>'user_event_id', 'event', 'user.invited'), 'user',
		null, to_jsonb(s))
	from user_shape s where s._program_id = program and s.id = person;
	perform mail_queue(request, decision->'mail', program, person);
	update partner_applications x
	set status = 'approved', partner_id = partner, user_id = person, decided_at = now,
		decision_comment = decision->>'comment', version = x.version + 1, updated_at = now
	where x.program_id = program and x.id = application;
	return 1;
end $$;
