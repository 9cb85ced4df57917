-- SPDX-License-Identifier: Apache-2.0
--
-- The decisions behind one deal, quote or dispute: for its bundle, and for whom they go to with it.

create index decisions_by_resource on decisions (program_id, resource_id);
