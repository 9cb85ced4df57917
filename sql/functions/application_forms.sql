-- SPDX-License-Identifier: Apache-2.0
--
-- Keeps an application that came by a form, and says what became of it: received; repeated, when the same person has sent
-- the same company within a day and it is open still; full, when the form has had its number of the day; closed. One that
-- has to wait after a rejection is kept as a draft: whoever fills in the form is not told of it, and the vendor can submit
-- it. Those of one form come one after the other, so that the number of the day is exact.
create or replace function application_from_form(request jsonb, application uuid, form uuid, body jsonb, decision jsonb)
returns text language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	day constant timestamptz := now - interval '1 day';
	key form_keys%rowtype;
	b partner_applications%rowtype;
	must_wait boolean;
begin
	perform pg_advisory_xact_lock(hashtextextended('partnerd.form ' || form::text, 0));
	select * into key from form_keys k where k.program_id = app_program() and k.id = form and k.status = 'active' for share;
	if not found then
		return 'closed';
	end if;
	b := jsonb_populate_record(null::partner_applications, body - 'form_key');
	if exists (select from partner_applications a where a.program_id = app_program() and a.form_key_id = form
		and a.applicant_email = lower(b.applicant_email) and a.name_key = lower(b.name) and a.country = b.country
		and a.created_at > day and a.status in ('draft', 'submitted', 'in_review', 'info_requested'))
	then
		return 'repeated';
	end if;
	if (select count(*) from partner_applications a where a.program_id = app_program() and a.form_key_id = form
		and a.created_at > day) >= key.daily_limit
	then
		return 'full';
	end if;
	must_wait := coalesce(application_waits_until(app_program(), application, b.name, b.country, b.website,
		b.applicant_email) > now, false);
	insert into partner_applications (program_id, id, number, status, name, legal_name, type, country, website, industries,
		languages, regions, applicant_name, applicant_email, message, submitted_at, form_key_id, created_by_id, created_at,
		updated_at)
	values (app_program(), application, 'A-' || human_number(nextval('partner_application_numbers')),
		case when must_wait then 'draft' else 'submitted' end, b.name, b.legal_name, b.type, b.country, b.website,
		coalesce(b.industries, '[]'), coalesce(b.languages, '[]'), coalesce(b.regions, '[]'), b.applicant_name,
		lower(b.applicant_email), b.message, case when not must_wait then now end, form, form, now, now);
	perform publish(request, jsonb_build_object('event_id', decision->>'event_id', 'event',
		case when must_wait then 'partner_application.created' else 'partner_application.submitted' end),
		'partner_application', null, to_jsonb(s))
	from partner_application_shape s where s._program_id = app_program() and s.id = application;
	return 'received';
end $$;
