-- SPDX-License-Identifier: Apache-2.0
--
-- A partner that is terminated or merged has its last status at once; where it has more deals than one write can hold,
-- the others follow. ending says that they do, and how (sql/functions/partner_ends.sql).

alter table partners add column ending jsonb;

create index partners_ending on partners (program_id) where ending is not null;
