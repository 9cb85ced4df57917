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
