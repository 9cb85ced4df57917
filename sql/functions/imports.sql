-- SPDX-License-Identifier: Apache-2.0

-- A step of an import that a job makes, with its event. False when somebody else has moved it meanwhile.
create or replace function import_move(request jsonb, decision jsonb, import uuid) returns boolean language plpgsql as
$$
declare
	before jsonb;
begin
	select to_jsonb(s) into before from import_shape s where s._program_id = app_program() and s.id = import;
	update imports i set status = decision->>'to', problem = decision->'problem', version = i.version + 1,
		updated_at = program_now(), lease_until = null,
		validated_at = case decision->>'to' when 'validated' then program_now() else i.validated_at end,
		finished_at = case decision->>'to' when 'validated' then i.finished_at else program_now() end
	where i.program_id = app_program() and i.id = import and i.status = decision->>'from';
	if not found then
		return false;
	end if;
	delete from import_row_keys k where k.program_id = app_program() and k.import_id = import;
	perform publish(request, decision, 'import', before, to_jsonb(s))
	from import_shape s where s._program_id = app_program() and s.id = import;
	return true;
end $$;

-- Cancels imports that nobody has gone on with for 90 days.
create or replace function imports_lapse(request jsonb, left_alone uuid[]) returns int language plpgsql as
$$
declare
	due record;
	lapsed int := 0;
begin
	for due in select i.id, i.status from imports i
		where i.program_id = app_program() and i.id = any(left_alone) and i.status in ('created', 'validated')
			and i.updated_at < program_now() - interval '90 days'
		order by i.id for update skip locked
	loop
		perform import_move(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'import.cancelled',
			'from', due.status, 'to', 'cancelled'), due.id);
		lapsed := lapsed + 1;
	end loop;
	return lapsed;
end $$;

-- Deletes what an import has read, up to `batch` rows, and in the end its file. Gives the number of rows.
create or replace function import_forget(import uuid, batch int) returns int language plpgsql as
$$
declare
	gone int;
begin
	delete from import_rows r using (select w.line from import_rows w
		where w.program_id = app_program() and w.import_id = import order by w.line limit batch) w
	where r.program_id = app_program() and r.import_id = import and r.line = w.line;
	get diagnostics gone = row_count;
	if gone < batch then
		delete from files f using imports i
		where i.program_id = app_program() and i.id = import and f.program_id = i.program_id and f.id = i.file_id;
		update imports i set forgotten_at = now() where i.program_id = app_program() and i.id = import;
	end if;
	return gone;
end $$;
