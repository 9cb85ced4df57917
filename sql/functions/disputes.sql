-- SPDX-License-Identifier: Apache-2.0
--
-- The moves of a dispute. Every one is told to both sides: the engine publishes the row of the side that acted, and
-- what is done here publishes the other side's, as the system, which says nothing of who acted. The walls of the
-- transaction are opened for that moment only.

-- Publishes the dispute as the other side sees it. A partner acts for its own side, the vendor on the claimant's row.
create or replace function dispute_tell(request jsonb, dispute uuid, event text) returns boolean language plpgsql as
$$
declare
	wall constant text := current_setting('app.partner', true);
	own constant text := coalesce((select s.role from dispute_shape s where s._program_id = app_program()
		and s.id = dispute), 'claimant');
	quiet constant jsonb := request - 'key' - 'fingerprint' - 'client_id' - 'address' - 'request_id' - 'is_patch'
		|| jsonb_build_object('actor_type', 'system', 'actor_id', app_program());
begin
	perform set_config('app.partner', '*', true);
	perform publish(quiet, jsonb_build_object('event_id', uuid_v7(), 'event', event), 'dispute', null, to_jsonb(s))
	from dispute_side s
	where s._program_id = app_program() and s.id = dispute and s.role <> own;
	perform set_config('app.partner', wall, true);
	return true;
end $$;

-- 0: the deal is not the partner's any more, or somebody has opened a dispute about it meanwhile.
create or replace function dispute_open(program uuid, dispute uuid, body jsonb, decision jsonb, request jsonb)
returns bigint language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	partner constant uuid := decision->>'partner_id';
	deal constant uuid := decision->>'deal_id';
begin
	perform from deals l where l.program_id = program and l.id = deal and l.partner_id = partner and l.submitted_at is not null
	for no key update;
	if not found or exists (select from dispute_parties p join disputes d on d.program_id = p.program_id
		and d.id = p.dispute_id where p.program_id = program and p.deal_id = deal and p.partner_id = partner
		and p.role = 'claimant' and d.status <> 'closed')
	then
		return 0;
	end if;
	insert into disputes (program_id, id, number, ground, opened_by, created_by_id, created_at, updated_at)
	values (program, dispute, 'C-' || human_number(nextval('dispute_numbers')), body->>'ground', decision->>'opened_by',
		(request->>'actor_id')::uuid, now, now);
	insert into dispute_parties (program_id, dispute_id, role, partner_id, deal_id, statement, desired_outcome)
	values (program, dispute, 'claimant', partner, deal, body->>'statement', body->>'desired_outcome');
	return 1;
end $$;

-- Every later move. decision: set (columns of disputes), party {role, set} (columns of that side), respondent
-- {partner_id, deal_id} (a side that joins), not_after (an instant that must still be to come), event.
create or replace function dispute_change(program uuid, dispute uuid, decision jsonb, request jsonb) returns bigint
language plpgsql as
$$
begin
	update disputes d
	set (status, evidence_due_at, unfinished, decision_due_at, overdue_at, outcome, rule, rule_reference, decision_reason,
		decision_id, decided_at, decided_by_id, appeal_due_at, appealed_at, appealed_by, appeal_outcome, appeal_rule,
		appeal_rule_reference, appeal_decision_reason, appeal_decision_id, internal_note, resolution, closed_at)
		= (select r.status, r.evidence_due_at, r.unfinished, r.decision_due_at, r.overdue_at, r.outcome, r.rule,
			r.rule_reference, r.decision_reason, r.decision_id, r.decided_at, r.decided_by_id, r.appeal_due_at, r.appealed_at,
			r.appealed_by, r.appeal_outcome, r.appeal_rule, r.appeal_rule_reference, r.appeal_decision_reason,
			r.appeal_decision_id, r.internal_note, r.resolution, r.closed_at
			from jsonb_populate_record(d, decision->'set') r),
		version = d.version + 1, updated_at = program_now()
	where d.program_id = program and d.id = dispute and d.version = (decision->>'expected_version')::int
		and coalesce(program_now() < (decision->>'not_after')::timestamptz, true);
	if not found then
		return 0;
	end if;
	if decision ? 'party' then
		update dispute_parties p
		set (finished_at, appeal_reason) = (select r.finished_at, r.appeal_reason
			from jsonb_populate_record(p, decision->'party'->'set') r)
		where p.program_id = program and p.dispute_id = dispute and p.role = decision->'party'->>'role';
		if not found then
			return 0;
		end if;
	end if;
	if decision ? 'respondent' then
		insert into dispute_parties (program_id, dispute_id, role, partner_id, deal_id)
		select program, dispute, 'respondent', l.partner_id, l.id from deals l
		where l.program_id = program and l.id = (decision->'respondent'->>'deal_id')::uuid
			and l.partner_id = (decision->'respondent'->>'partner_id')::uuid and l.submitted_at is not null;
		if not found then
			return 0;
		end if;
	end if;
	perform dispute_tell(request, dispute, decision->>'event');
	return 1;
end $$;

-- Takes evidence while there is time for it. The dispute's row is held, so that evidence closes before or after, and
-- what was accepted is in the bundle. A file is readable from now on by whom the evidence is readable to, and kept. 0: it is
-- over, the side has submitted as much as it may, or the file is used.
create or replace function dispute_submit(program uuid, evidence uuid, body jsonb, decision jsonb, request jsonb)
returns bigint language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	dispute constant uuid := body->>'dispute_id';
	pinned constant uuid := body->>'file_id';
	document jsonb := nullif(body->'document', 'null');
begin
	perform from disputes d where d.program_id = program and d.id = dispute and (d.status = 'opened'
		or (d.status = 'evidence' and d.evidence_closed_at is null and d.unfinished > 0 and d.evidence_due_at > now))
	for no key update;
	if not found or (select count(*) from dispute_evidence e where e.program_id = program and e.dispute_id = dispute
		and e.submitted_by = decision->>'submitted_by') >= (decision->>'most')::int
	then
		return 0;
	end if;
	if pinned is not null then
		if not file_claim(pinned, 'dispute_evidence', evidence, (select p.partner_id from dispute_parties p
			where p.program_id = program and p.dispute_id = dispute and p.role = decision->>'audience'))
		then
			return 0;
		end if;
		select jsonb_build_object('name', f.name, 'media_type', f.media_type, 'size_bytes', f.size_bytes, 'sha256', f.sha256)
		into document from files f where f.program_id = program and f.id = pinned;
	end if;
	insert into dispute_evidence (program_id, id, dispute_id, audience, submitted_by, title, text, file_id, document_name,
		document_media_type, document_bytes, document_sha256, created_by_id, created_at)
	values (program, evidence, dispute, decision->>'audience', decision->>'submitted_by', body->>'title', body->>'text',
		pinned, document->>'name', document->>'media_type', (document->>'size_bytes')::bigint, document->>'sha256',
		(request->>'actor_id')::uuid, now);
	return 1;
end $$;

-- Stores of some disputes that their evidence is closed, and announces decisions that are late, once each.
create or replace function disputes_advance(request jsonb, cases uuid[]) returns int language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	due record;
	before jsonb;
	moved int := 0;
begin
	for due in select d.id, 'dispute.evidence_closed' as event from disputes d
		where d.program_id = app_program() and d.id = any(cases) and d.status = 'evidence' and d.evidence_closed_at is null
			and (d.evidence_due_at <= now or d.unfinished = 0)
		order by d.evidence_due_at, d.id for update skip locked
	loop
		select to_jsonb(s) into before from dispute_shape s where s._program_id = app_program() and s.id = due.id;
		update disputes d set evidence_closed_at = least(now, d.evidence_due_at), version = d.version + 1, updated_at = now
		where d.program_id = app_program() and d.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', due.event), 'dispute', before, to_jsonb(s))
		from dispute_shape s where s._program_id = app_program() and s.id = due.id;
		perform dispute_tell(request, due.id, due.event);
		moved := moved + 1;
	end loop;
	for due in select d.id from disputes d
		where d.program_id = app_program() and d.id = any(cases) and d.status in ('evidence', 'appealed')
			and d.overdue_at is null and d.decision_due_at <= now
		order by d.decision_due_at, d.id for update skip locked
	loop
		select to_jsonb(s) into before from dispute_shape s where s._program_id = app_program() and s.id = due.id;
		update disputes d set overdue_at = now, version = d.version + 1, updated_at = now
		where d.program_id = app_program() and d.id = due.id;
		perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'dispute.decision_overdue'), 'dispute',
			before, to_jsonb(s))
		from dispute_shape s where s._program_id = app_program() and s.id = due.id;
		moved := moved + 1;
	end loop;
	return moved;
end $$;

-- What was decided for the claimant lets the vendor reopen its deal, until it is appealed against or decided otherwise.
create or replace function dispute_upholds() returns trigger language plpgsql as
$$
declare
	wall constant text := wall_lift();
begin
	update deals l set beside_at = program_now(), upheld_by = case when new.status <> 'appealed'
		and coalesce(new.appeal_outcome, new.outcome) in ('upheld', 'partly_upheld') then new.id end
	from dispute_parties p
	where p.program_id = new.program_id and p.dispute_id = new.id and p.role = 'claimant'
		and l.program_id = p.program_id and l.id = p.deal_id;
	perform set_config('app.partner', wall, true);
	return null;
end $$;

create or replace trigger disputes_uphold after update of status on disputes for each row
	when (new.status <> old.status and (new.status in ('decided', 'appealed') or old.status = 'appealed'))
	execute function dispute_upholds();
