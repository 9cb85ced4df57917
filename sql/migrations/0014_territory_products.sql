-- SPDX-License-Identifier: Apache-2.0
--
-- What a territory is for is a product of the program, or all of them.

alter table territory_assignments add constraint territory_assignments_product_fkey
	foreign key (program_id, product_id) references products (program_id, id);
create index territory_assignments_by_product on territory_assignments (program_id, product_id);
