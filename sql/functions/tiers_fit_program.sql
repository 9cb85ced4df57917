-- SPDX-License-Identifier: Apache-2.0
--
-- What must hold of all tiers together. Volatile on purpose: called at the end of a write that holds the program's row,
-- they see what was committed while the write waited for the row, and the write itself.

-- No band reaches above the program's margin cap: of terms that hold now or later, and of drafts.
create or replace function tiers_fit_program() returns boolean language plpgsql volatile as
$$
begin
	return not exists (select from tiers t
		join programs g on g.id = t.program_id
		join tier_versions v on v.program_id = t.program_id and v.tier_id = t.id
		where t.program_id = app_program() and t.status <> 'retired' and v.cap_bps > g.margin_cap_bps
			and (v.status = 'draft' or (v.status = 'published'
				and (v.valid_until is null or v.valid_until > greatest(v.valid_from, program_now())))));
end $$;

-- Wherever published terms of this tier meet those of another one in time, from now on, the bands do not overlap and the
-- higher rank has the higher band. A band may begin where the one below ends.
create or replace function tier_bands_fit(tier uuid) returns boolean language plpgsql volatile as
$$
declare
	future constant tstzrange := tstzrange(program_now(), null);
begin
	return not exists (select from tiers t
		join tier_versions v on v.program_id = t.program_id and v.tier_id = t.id and v.status = 'published'
		join tiers o on o.program_id = t.program_id and o.id <> t.id and o.status = 'published'
		join tier_versions w on w.program_id = o.program_id and w.tier_id = o.id and w.status = 'published'
		where t.program_id = app_program() and t.id = tier and t.status = 'published'
			and not isempty(tstzrange(v.valid_from, v.valid_until) * tstzrange(w.valid_from, w.valid_until) * future)
			and case when t.rank < o.rank then v.cap_bps > w.floor_bps else v.floor_bps < w.cap_bps end);
end $$;
