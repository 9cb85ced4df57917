-- SPDX-License-Identifier: Apache-2.0
--
-- $1 program, $2 partner (null: the vendor asks), $3 id, $4 body, $5 decision, $6 request, $7 row before.

-- Few enough to be sorted for every page, and more than one page of them.
-- name: deal_search
select deal_search_ids($4->>'value', 5000) as ids
