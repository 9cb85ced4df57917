-- SPDX-License-Identifier: Apache-2.0
--
-- Writes on tiers that take more than one step. Each holds the program's row, so that two of them follow each other, and
-- returns 0 when the world is not the one that was decided on.

-- The draft becomes a published version from decision.effective_at on; what was published before ends there.
create or replace function tier_publish(tier uuid, decision jsonb, actor uuid) returns int language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	effective constant timestamptz := decision->>'effective_at';
begin
	perform from programs g where g.id = app_program() and g.tier_notice_days = (decision->>'notice_days')::int
		for no key update;
	if not found then
		return 0;
	end if;
	update tiers t set status = 'published', published_at = coalesce(t.published_at, now), version = t.version + 1,
		updated_at = now
	where t.program_id = app_program() and t.id = tier and t.version = (decision->>'expected_version')::int;
	if not found then
		return 0;
	end if;
	update tier_versions v set valid_until = effective
	where v.program_id = app_program() and v.tier_id = tier and v.status = 'published'
		and (v.valid_until is null or v.valid_until > effective);
	update tier_versions v set status = 'published', valid_from = effective, published_at = now, published_by_id = actor,
		decision_id = (decision->>'decision_id')::uuid,
		number = 1 + coalesce((select max(w.number) from tier_versions w
			where w.program_id = v.program_id and w.tier_id = v.tier_id), 0)
	where v.program_id = app_program() and v.tier_id = tier and v.status = 'draft';
	if not found or not tiers_fit_program() or not tier_bands_fit(tier) then
		return 0;
	end if;
	return 1;
end $$;

-- The draft is put aside.
create or replace function tier_discard_draft(tier uuid, decision jsonb) returns int language plpgsql as
$$
begin
	update tiers t set version = t.version + 1, updated_at = program_now()
	where t.program_id = app_program() and t.id = tier and t.version = (decision->>'expected_version')::int;
	if not found then
		return 0;
	end if;
	update tier_versions v set status = 'discarded'
	where v.program_id = app_program() and v.tier_id = tier and v.status = 'draft';
	return found::int;
end $$;

-- The tier ends now, with nobody in it: its terms end, and what was announced does not begin.
create or replace function tier_retire(tier uuid, decision jsonb) returns int language plpgsql as
$$
declare
	now constant timestamptz := program_now();
begin
	update tiers t set status = 'retired', retired_at = now, version = t.version + 1, updated_at = now
	where t.program_id = app_program() and t.id = tier and t.version = (decision->>'expected_version')::int;
	if not found or exists (select from partners p where p.program_id = app_program() and p.tier_id = tier
			and p.status <> 'terminated') then
		return 0;
	end if;
	update tier_versions v set status = 'discarded'
	where v.program_id = app_program() and v.tier_id = tier and v.status = 'draft'
		and exists (select from tier_versions w where w.program_id = v.program_id and w.tier_id = tier
			and w.status = 'published');
	update tier_versions v set valid_until = greatest(v.valid_from, now)
	where v.program_id = app_program() and v.tier_id = tier and v.status = 'published'
		and (v.valid_until is null or v.valid_until > now);
	return 1;
end $$;
