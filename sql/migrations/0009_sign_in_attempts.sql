-- SPDX-License-Identifier: Apache-2.0
--
-- Failed attempts to sign in, by hashes of account and address (sql/functions/sign_in_attempts.sql). `level` counts them
-- in thousandths and falls with time.

create table sign_in_attempts (
	key bytea not null,
	level bigint not null,
	last_at timestamptz not null,
	constraint sign_in_attempts_pkey primary key (key),
	constraint sign_in_attempts_level_check check (level >= 0)
);

create index sign_in_attempts_by_time on sign_in_attempts (last_at);

alter table sign_in_attempts enable row level security;
alter table sign_in_attempts force row level security;
create policy sign_in_attempts_wall on sign_in_attempts using ((select app_at_identity_door()));

grant select, insert, update, delete on sign_in_attempts to partnerd_app;
