-- SPDX-License-Identifier: Apache-2.0
--
-- The end of a protection as a column: what upper() says of a range is not known to be leakproof, and no index on it is
-- used behind the walls.

drop index deal_protections_by_end;
alter table deal_protections add column ends_at timestamptz generated always as (upper(period)) stored;
create index deal_protections_by_end on deal_protections (program_id, ends_at) where is_live;
