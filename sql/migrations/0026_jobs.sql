-- SPDX-License-Identifier: Apache-2.0
--
-- Work of jobs that failed, and until when it rests: what is due behind it goes on meanwhile. By the database's clock.

create table job_failures (
	program_id uuid not null,
	job text not null,
	row_id uuid not null,
	attempts int not null,
	retry_at timestamptz not null,
	constraint job_failures_pkey primary key (program_id, job, row_id),
	constraint job_failures_program_fkey foreign key (program_id) references programs (id)
);

alter table job_failures enable row level security;
alter table job_failures force row level security;
create policy job_failures_wall on job_failures
	using ((program_id = (select app_program()) and (select app_is_vendor())) or (select app_at_identity_door()));
grant select, insert, update, delete on job_failures to partnerd_app;
