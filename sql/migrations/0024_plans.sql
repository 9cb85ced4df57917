-- SPDX-License-Identifier: Apache-2.0
--
-- What is looked for often is found by an index, however much there is beside it.

-- ---- protections ----

-- Who asks for the protections of one deal must not be answered by this index: an operator class that knows <> knows =
-- as well, and having no leading column it would be read from end to end. As text, the deal is not what is asked for.
alter table deal_protections
	drop constraint deal_protections_overlap_excl,
	add constraint deal_protections_overlap_excl exclude using gist (
		program_id with =,
		kind with =,
		key with =,
		(deal_id::text) with <>,
		uuid_span(product_id, product_id, '[]') with &&,
		text_span(country, country, '[]') with &&,
		period with &&
	);
