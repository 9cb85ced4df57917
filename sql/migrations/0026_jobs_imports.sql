-- SPDX-License-Identifier: Apache-2.0
--
-- What an import has read is forgotten some time after it has ended, its file as well; the import says that there was one.
-- Chunks of attempts that failed go when another one is stored, or with the file.

alter table imports add column forgotten_at timestamptz;
alter table imports drop constraint imports_file_fkey;

create index imports_kept on imports (program_id, finished_at) where forgotten_at is null;
create index imports_left on imports (program_id, updated_at) where status in ('created', 'validated');

grant delete on import_rows to partnerd_app;

alter table files no force row level security;
alter table file_chunks no force row level security;
delete from file_chunks c using files f
where f.program_id = c.program_id and f.id = c.file_id and f.upload_id <> c.upload_id;
alter table files force row level security;
alter table file_chunks force row level security;

drop index file_chunks_by_created;
