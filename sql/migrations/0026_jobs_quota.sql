-- SPDX-License-Identifier: Apache-2.0
--
-- How many bytes of files each side keeps: a partner, or the vendor's, which goes by the program's id. A file counts for
-- the side that declared it, whoever may see it later, from its declaration until it is deleted.

alter table files no force row level security;
alter table users no force row level security;
alter table api_clients no force row level security;

alter table files add column side_id uuid;
update files f set side_id = coalesce((select u.partner_id from users u where u.program_id = f.program_id
	and u.id = f.created_by_id), (select c.partner_id from api_clients c where c.program_id = f.program_id
	and c.id = f.created_by_id), f.program_id);
alter table files alter column side_id set not null;
create index files_by_side on files (program_id, side_id);

create table file_usage (
	program_id uuid not null,
	side_id uuid not null,
	bytes bigint not null,
	constraint file_usage_pkey primary key (program_id, side_id),
	constraint file_usage_program_fkey foreign key (program_id) references programs (id),
	constraint file_usage_bytes_check check (bytes >= 0)
);

insert into file_usage (program_id, side_id, bytes)
select f.program_id, f.side_id, sum(f.size_bytes) from files f group by 1, 2;

alter table files force row level security;
alter table users force row level security;
alter table api_clients force row level security;
alter table file_usage enable row level security;
alter table file_usage force row level security;
create policy file_usage_wall on file_usage using (program_id = (select app_program())
	and ((select app_is_vendor()) or side_id = (select app_partner())));
grant select, insert, update, delete on file_usage to partnerd_app;
