-- SPDX-License-Identifier: Apache-2.0
--
-- What callers asked lately: who, which operation, how it ended; neither bodies nor queries nor ids. One index serves the
-- only way it is read, a caller's own requests by time; old rows are found by the order in which they were written.
create table api_requests (
	program_id uuid not null,
	actor_id uuid not null,
	requested_at timestamptz not null,
	id uuid not null,
	partner_id uuid,
	method text not null,
	route text not null,
	status int not null,
	problem_code text,
	duration_ms int not null,
	address text,
	constraint api_requests_pkey primary key (program_id, actor_id, requested_at, id)
);

create index api_requests_by_time on api_requests using brin (requested_at) with (autosummarize = on);

alter table api_requests enable row level security;
alter table api_requests force row level security;
create policy api_requests_wall on api_requests using ((select app_at_identity_door())
	or (program_id = (select app_program()) and ((select app_is_vendor()) or partner_id = (select app_partner()))));

grant select, insert, delete on api_requests to partnerd_app;
