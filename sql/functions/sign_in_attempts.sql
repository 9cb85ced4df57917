-- SPDX-License-Identifier: Apache-2.0
--
-- Counts attempts to sign in, for all instances. The rule is in src/domain/lockout.c and comes as data:
-- plan: [{"lockout": "pair", "free": 10, "forgive_s": 900, "delays": [1, 2, 4 …]}, …], in the order of the enum, which is
-- the order in which rows are locked. Keys are hashes: the table names nobody, and an address that no user has counts
-- like any other.

create or replace function sign_in_key(lockout text, email text, address text) returns bytea language plpgsql stable as
$$
begin
	return sha256(convert_to(jsonb_build_array(lockout, case when lockout <> 'address' then lower(email) end,
		case when lockout <> 'account' then address end)::text, 'UTF8'));
end $$;

-- What is left of failures by now, in thousandths.
create or replace function sign_in_level(attempt sign_in_attempts, forgive_s int) returns bigint language plpgsql stable as
$$
begin
	return greatest(0, attempt.level - floor(extract(epoch from clock_timestamp() - attempt.last_at) * 1000 / forgive_s)::bigint);
end $$;

-- Takes one attempt, which counts as failed until it is taken back. Gives back 0, or how many seconds to wait: nothing is
-- counted then.
create or replace function sign_in_attempt(email text, address text, plan jsonb) returns int language plpgsql as
$$
declare
	rule jsonb;
	found sign_in_attempts%rowtype;
	level bigint;
	beyond bigint;
	wait_s int := 0;
begin
	for rule in select * from jsonb_array_elements(plan) loop
		insert into sign_in_attempts as a (key, level, last_at)
		values (sign_in_key(rule->>'lockout', email, address), 0, clock_timestamp())
		on conflict (key) do update set last_at = a.last_at
		returning a.* into found;
		level := sign_in_level(found, (rule->>'forgive_s')::int);
		beyond := (level + 999) / 1000 - (rule->>'free')::int;
		if beyond >= 0 then
			wait_s := greatest(wait_s, ceil((rule->'delays'->>least(beyond, jsonb_array_length(rule->'delays') - 1)::int)::int
				- extract(epoch from clock_timestamp() - found.last_at))::int);
		end if;
	end loop;
	if wait_s > 0 then
		return wait_s;
	end if;
	for rule in select * from jsonb_array_elements(plan) loop
		update sign_in_attempts a
		set level = sign_in_level(a, (rule->>'forgive_s')::int) + 1000, last_at = clock_timestamp()
		where a.key = sign_in_key(rule->>'lockout', email, address);
	end loop;
	return 0;
end $$;

-- Takes the attempt back: it did not fail. One that succeeded clears what else is held against the account, too, but not
-- against the address: who has one account there may not try the others for ever.
create or replace function sign_in_attempt_back(email text, address text, plan jsonb, is_success boolean) returns boolean
language plpgsql as
$$
declare
	rule jsonb;
begin
	for rule in select * from jsonb_array_elements(plan) loop
		update sign_in_attempts a
		set level = case when is_success and rule->>'lockout' <> 'address' then 0 else greatest(0, a.level - 1000) end
		where a.key = sign_in_key(rule->>'lockout', email, address);
	end loop;
	return true;
end $$;
