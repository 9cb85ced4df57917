-- SPDX-License-Identifier: Apache-2.0
--
-- Two lines of one file may register the same customer. A line that was tried keeps nothing, so what it would take is
-- written down here until the file is tried to its end; key names the partner, the kind and the customer's own.
create table import_row_keys (
	program_id uuid not null,
	import_id uuid not null,
	key text collate "C" not null,
	line int not null,
	country text,
	product_ids uuid[] not null,
	constraint import_row_keys_pkey primary key (program_id, import_id, key, line),
	constraint import_row_keys_row_fkey foreign key (program_id, import_id, line)
		references import_rows (program_id, import_id, line)
);

alter table import_row_keys enable row level security;
alter table import_row_keys force row level security;
create policy import_row_keys_wall on import_row_keys using (program_id = (select app_program())
	and ((select app_is_vendor()) or exists (select from imports i where i.program_id = import_row_keys.program_id
		and i.id = import_row_keys.import_id)));
grant select, insert, delete on import_row_keys to partnerd_app;
