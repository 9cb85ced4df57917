-- SPDX-License-Identifier: Apache-2.0

-- Whether a job leaves a row alone for now, because it failed.
create or replace function job_rests(program uuid, job_name text, id uuid) returns boolean language plpgsql stable as
$$
begin
	return exists (select from job_failures f
		where f.program_id = program and f.job = job_name and f.row_id = id and f.retry_at > now());
end $$;

-- The ids that a job has been given to work on.
create or replace function job_ids(decision jsonb) returns uuid[] language sql immutable parallel safe as
$$ select array(select x::uuid from jsonb_array_elements_text(decision->'ids') x) $$;
