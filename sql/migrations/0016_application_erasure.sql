-- SPDX-License-Identifier: Apache-2.0
--
-- An applicant who did not become a user can be forgotten, too: the application stays, and the person goes out of it.

alter table partner_applications
	add column erased_at timestamptz,
	add constraint partner_applications_erased_check check (erased_at is null or status in ('rejected', 'withdrawn'));
