-- SPDX-License-Identifier: Apache-2.0
--
-- The second factor: a seed that only the server can open (include/base/vault.h), recovery codes as hashes, and the
-- moment between password and code. Whether somebody has one is a fact about the user; what it is made of is seen at the
-- identity door only.

alter table programs
	add column second_factor_roles text[] not null default '{}',
	add constraint programs_second_factor_roles_check check (second_factor_roles <@ array['admin', 'partner_manager',
		'reviewer', 'finance', 'support', 'viewer', 'partner_admin', 'partner_member']);

alter table users add column second_factor_at timestamptz;

create table second_factors (
	program_id uuid not null,
	user_id uuid not null,
	seed text not null,
	last_step bigint not null default 0,
	confirmed_at timestamptz,
	created_at timestamptz not null default now(),
	constraint second_factors_pkey primary key (program_id, user_id),
	constraint second_factors_user_fkey foreign key (program_id, user_id) references users (program_id, id)
);

create table recovery_codes (
	program_id uuid not null,
	user_id uuid not null,
	code_hash bytea not null,
	used_at timestamptz,
	constraint recovery_codes_pkey primary key (program_id, user_id, code_hash),
	constraint recovery_codes_factor_fkey foreign key (program_id, user_id) references second_factors (program_id, user_id)
		on delete cascade
);

-- A password that was right, by the hash it was right for: another password, and the challenge is worth nothing.
create table sign_in_challenges (
	program_id uuid not null,
	token_hash bytea not null,
	user_id uuid not null,
	password_digest bytea not null,
	expires_at timestamptz not null,
	constraint sign_in_challenges_pkey primary key (program_id, token_hash),
	constraint sign_in_challenges_user_fkey foreign key (program_id, user_id) references users (program_id, id)
);

create index sign_in_challenges_by_hash on sign_in_challenges (token_hash);
create index sign_in_challenges_by_user on sign_in_challenges (program_id, user_id);
create index sign_in_challenges_by_expiry on sign_in_challenges (expires_at);

do $$
declare
	name text;
begin
	foreach name in array array['second_factors', 'recovery_codes', 'sign_in_challenges'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using ((select app_at_identity_door()))', name || '_wall', name);
		execute format('grant select, insert, update, delete on %I to partnerd_app', name);
	end loop;
end $$;
