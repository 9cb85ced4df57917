-- SPDX-License-Identifier: Apache-2.0
--
-- An instant inside a json column as it stands elsewhere in answers: UTC with three digits, truncated. Not in SQL, see
-- program_now().
create or replace function instant(moment timestamptz) returns text language plpgsql stable parallel safe as
$$
begin
	return to_char(date_trunc('milliseconds', moment) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
end $$;
