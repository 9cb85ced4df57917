-- SPDX-License-Identifier: Apache-2.0
--
-- The counting part of a number for people: six digits, more when six no longer do.
create or replace function human_number(counter bigint) returns text language plpgsql immutable parallel safe as
$$
begin
	return lpad(counter::text, greatest(6, length(counter::text)), '0');
end $$;
