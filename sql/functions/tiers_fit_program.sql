-- SPDX-License-Identifier: Apache-2.0
--
-- No tier's band reaches above the program's margin cap. Volatile on purpose: called at the end of a write that holds the
-- program's row, it sees what was committed while the write waited for the row, and the write itself.
create or replace function tiers_fit_program() returns boolean language plpgsql volatile as
$$
begin
	return not exists (select from tiers t join programs g on g.id = t.program_id
		where t.program_id = app_program() and t.cap_bps > g.margin_cap_bps);
end $$;
