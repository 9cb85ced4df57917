-- SPDX-License-Identifier: Apache-2.0
--
-- Searching deals by a part of the customer's name or of the number. The text is taken as it stands: a per cent sign is a
-- per cent sign. One or two characters match where a word begins, more of them anywhere.

create or replace function deal_search_pattern(q text) returns text language sql immutable parallel safe as
$$
	select case when length(q) < 3 then '% ' else '%' end
		|| replace(replace(replace(lower(q), '\', '\\'), '%', '\%'), '_', '\_') || '%'
$$;

-- The ids of what matches, by the index of trigrams; null when there are so many that whoever walks along the list meets
-- them soon enough: more than `at_most`, or more than one in a hundred of the newest thousand.
create or replace function deal_search_ids(q text, at_most int) returns uuid[] language plpgsql as
$$
declare
	pattern constant text := deal_search_pattern(q);
	found uuid[];
begin
	if show_trgm(q) = '{}' or (select count(*) > 10 from (select deal_search_key(d.customer_name, d.number) as search_key from deals d
			where d.program_id = app_program() order by d.created_at desc limit 1000) newest
			where newest.search_key like pattern) then
		return null;
	end if;
	perform set_config('app.search', pattern, true), set_config('enable_seqscan', 'off', true),
		set_config('enable_indexscan', 'off', true);
	select array_agg(f.deal_id) into found
	from (select s.deal_id from deal_search s where s.program_id = app_program() limit at_most + 1) f;
	perform set_config('app.search', '', true), set_config('enable_seqscan', 'on', true),
		set_config('enable_indexscan', 'on', true);
	return case when coalesce(cardinality(found), 0) <= at_most then coalesce(found, '{}') end;
end $$;
