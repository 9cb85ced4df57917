-- SPDX-License-Identifier: Apache-2.0
--
-- What the rule of approval looks at (src/domain/approval.c): the policies in their order, and of a deal what was decided in
-- each round of the review, and its facts by the names of MARGIN_FACTS.
create or replace function deal_approval_policies_now(program uuid) returns jsonb language plpgsql stable as
$$
begin
	return (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'version', p.version, 'name', p.name,
			'currency', p.currency, 'conditions', p.conditions, 'steps', p.steps, 'is_automatic', p.is_automatic,
			'escalation', p.escalation) order by p.position), '[]')
		from deal_approval_policies p where p.program_id = program and p.status = 'active');
end $$;

create or replace function deal_review_facts(deal deals, facts jsonb) returns jsonb language plpgsql stable as
$$
begin
	return jsonb_build_object('id', deal.id, 'facts', facts, 'registered_by_id', deal.created_by_id,
		'round', deal.review_round, 'is_overdue', coalesce(deal.review_due_at <= program_now(), false),
		'given', (select coalesce(jsonb_agg(jsonb_build_object('policy_id', a.policy_id, 'policy_version', a.policy_version,
				'step', a.step, 'step_name', a.step_name, 'decided_by_id', a.decided_by_id, 'decided_by_name', u.name,
				'decided_at', instant(a.decided_at), 'comment', a.comment, 'round', a.round)
				order by a.decided_at, a.step), '[]')
			from deal_approvals a
			left join users u on u.program_id = a.program_id and u.id = a.decided_by_id
			where a.program_id = deal.program_id and a.deal_id = deal.id));
end $$;

create or replace function deal_approval_facts(deal deals, facts jsonb) returns jsonb language plpgsql stable as
$$
begin
	return deal_review_facts(deal, facts) || jsonb_build_object('policies', deal_approval_policies_now(deal.program_id));
end $$;

-- Every change of a policy ends with this: approvals that were decided by others are decided anew, and who may decide is
-- asked for as long as there are steps.
create or replace function deal_policies_changed() returns trigger language plpgsql as
$$
begin
	update programs g
	set policies_version = g.policies_version + 1, auto_approves = exists (select from deal_approval_policies p
		where p.program_id = g.id and p.status = 'active' and p.is_automatic),
		approval_asked_until = case when exists (select from deal_approval_policies p
			where p.program_id = g.id and p.status = 'active' and p.steps <> '[]') then 'infinity' else program_now() end
	where g.id = new.program_id;
	return null;
end $$;

create or replace trigger deal_approval_policies_changed after insert or update on deal_approval_policies for each row
execute function deal_policies_changed();

-- A round of review ends when what is reviewed changes, or whose it is: another partner has another tier and another
-- record, also when it takes over by a merge. What is new to a review may be one that is approved by itself.
create or replace function deal_review_changed() returns trigger language plpgsql as
$$
begin
	if tg_op = 'UPDATE' and (new.partner_id, new.amount_minor, new.currency, new.line_items, new.terms, new.quote_id, new.customer_name,
			new.customer_country, new.customer_website, new.customer_tax_id, new.customer_duns, new.product_ids, new.expected_close_on, new.description)
		is distinct from (old.partner_id, old.amount_minor, old.currency, old.line_items, old.terms, old.quote_id, old.customer_name,
			old.customer_country, old.customer_website, old.customer_tax_id, old.customer_duns, old.product_ids, old.expected_close_on, old.description) then
		new.review_round := old.review_round + 1;
	elsif tg_op = 'UPDATE' and new.status = old.status then
		return new;
	end if;
	new.auto_check := (new.status = 'submitted' or (new.status = 'in_review' and old.status = 'conflict_hold'))
		and (select g.auto_approves from programs g where g.id = new.program_id);
	return new;
end $$;

create or replace trigger deals_review_insert before insert on deals for each row when (new.status = 'submitted')
execute function deal_review_changed();

create or replace trigger deals_review_update before update on deals for each row
when (new.version > old.version and (old.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')))
execute function deal_review_changed();
