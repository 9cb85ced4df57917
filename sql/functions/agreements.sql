-- SPDX-License-Identifier: Apache-2.0

-- What is agreed to, as one number that anybody can compute again.
create or replace function agreement_hash(words text, annex text) returns text language sql immutable parallel safe as
$$ select encode(sha256(convert_to(words || coalesce(E'\n' || annex, ''), 'UTF8')), 'hex') $$;

-- The edition takes the place of the one that was published. 0: it is no draft of this version.
create or replace function agreement_publish(request jsonb, template uuid, decision jsonb) returns bigint
language plpgsql volatile as
$$
declare
	own agreement_templates%rowtype;
	last uuid;
	before jsonb;
begin
	select * into own from agreement_templates t where t.program_id = app_program() and t.id = template
		and t.version = (decision->>'expected_version')::int and t.status = 'draft' for update;
	if not found then
		return 0;
	end if;
	select t.id into last from agreement_templates t
	where t.program_id = app_program() and t.key = own.key and t.status = 'published' for update;
	if found then
		select to_jsonb(s) into before from agreement_template_shape s where s._program_id = app_program() and s.id = last;
		update agreement_templates t set status = 'retired', version = t.version + 1, updated_at = program_now()
		where t.program_id = app_program() and t.id = last;
		perform publish(request - 'key' - 'fingerprint', jsonb_build_object('event_id', uuid_v7(),
			'event', 'agreement_template.retired'), 'agreement_template', before, to_jsonb(s))
		from agreement_template_shape s where s._program_id = app_program() and s.id = last;
	end if;
	update agreement_templates t set status = 'published', published_at = program_now(), version = t.version + 1,
		updated_at = program_now()
	where t.program_id = app_program() and t.id = template;
	return 1;
end $$;

-- The partner has agreed; what it had accepted of the same agreement before is superseded. 0: the offer is not open in
-- this version any more.
create or replace function agreement_accept(request jsonb, agreement uuid, own uuid, body jsonb, decision jsonb)
returns bigint language plpgsql volatile as
$$
declare
	accepted partner_agreements%rowtype;
	older record;
	before jsonb;
begin
	update partner_agreements a
	set status = 'accepted', signatory_name = body->>'signatory_name', signatory_title = body->>'signatory_title',
		accepted_hash = t.text_hash, accepted_at = program_now(), accepted_by_id = (request->>'actor_id')::uuid,
		accepted_from = request->>'address', version = a.version + 1, updated_at = program_now()
	from agreement_templates t
	where a.program_id = app_program() and a.id = agreement and (own is null or a.partner_id = own)
		and a.version = (decision->>'expected_version')::int and a.status = 'offered'
		and t.program_id = a.program_id and t.id = a.template_id and t.text_hash = lower(body->>'text_hash')
	returning a.* into accepted;
	if not found then
		return 0;
	end if;
	for older in select a.id from partner_agreements a
		join agreement_templates t on t.program_id = a.program_id and t.id = a.template_id
		join agreement_templates n on n.program_id = a.program_id and n.id = accepted.template_id and n.key = t.key
		where a.program_id = app_program() and a.partner_id = accepted.partner_id and a.status = 'accepted'
			and a.id <> agreement
		order by a.id for update of a
	loop
		select to_jsonb(s) into before from partner_agreement_shape s where s._program_id = app_program() and s.id = older.id;
		update partner_agreements a set status = 'superseded', version = a.version + 1, updated_at = program_now()
		where a.program_id = app_program() and a.id = older.id;
		perform publish(request - 'key' - 'fingerprint', jsonb_build_object('event_id', uuid_v7(),
			'event', 'partner_agreement.superseded'), 'partner_agreement', before, to_jsonb(s))
		from partner_agreement_shape s where s._program_id = app_program() and s.id = older.id;
	end loop;
	return 1;
end $$;

-- Takes back what is offered to a partner that is no more.
create or replace function agreements_end(request jsonb, partner uuid) returns int language plpgsql volatile as
$$
declare
	offered uuid;
	before jsonb;
	ended int := 0;
begin
	for offered in select a.id from partner_agreements a
		where a.program_id = app_program() and a.partner_id = partner and a.status = 'offered' order by a.id for update
	loop
		select to_jsonb(s) into before from partner_agreement_shape s where s._program_id = app_program() and s.id = offered;
		update partner_agreements a set status = 'withdrawn', version = a.version + 1, updated_at = program_now()
		where a.program_id = app_program() and a.id = offered;
		perform publish(request - 'key' - 'fingerprint', jsonb_build_object('event_id', uuid_v7(),
			'event', 'partner_agreement.withdrawn'), 'partner_agreement', before, to_jsonb(s))
		from partner_agreement_shape s where s._program_id = app_program() and s.id = offered;
		ended := ended + 1;
	end loop;
	return ended;
end $$;
