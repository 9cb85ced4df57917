-- SPDX-License-Identifier: Apache-2.0

-- What was granted for the deal as it is and holds now ({id, margin_bps}), or that something is being asked for ({is_open}).
-- Volatile: whoever has waited for the deal's row sees what was asked, granted or withdrawn meanwhile, under its lock.
create or replace function special_price_of(deal uuid) returns jsonb language plpgsql volatile as
$$
begin
	return (select case r.status when 'requested' then jsonb_build_object('is_open', true)
			else jsonb_build_object('id', r.id, 'margin_bps', r.granted_margin_bps) end
		from special_pricing_requests r
		join deals d on d.program_id = r.program_id and d.id = r.deal_id
		where r.program_id = app_program() and r.deal_id = deal and (r.status = 'requested'
			or (r.status = 'approved' and r.valid_until > program_now() and r.deal_round = d.review_round))
		order by r.status = 'requested' desc, r.decided_at desc, r.id desc limit 1);
end $$;
