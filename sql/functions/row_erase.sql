-- SPDX-License-Identifier: Apache-2.0
--
-- Erases a person who is no user, a contact or an applicant, as a user is erased (erasure.sql): the id stays, and an entry
-- of the ledger covers what is taken out of events and ledger. Looks past the wall of partners, whose admins erase their
-- own contacts; which row it is, the statement has asked behind the wall.
create or replace function row_erase(request jsonb, erasure uuid, object text, resource uuid, partner uuid)
returns boolean language plpgsql as
$$
declare
	side constant text := current_setting('app.partner', true);
	entry audit_entries%rowtype;
begin
	perform set_config('app.partner', '*', true);
	perform audit_append(request, erasure, 'user.personal_data_erased', object, resource, null, partner, '{}',
		jsonb_build_object('resources', jsonb_build_array(resource)));
	perform events_erase(erasure, app_program(), resource, array[resource]);
	select * into entry from audit_entries a where a.program_id = app_program() and a.id = erasure;
	perform audit_erase(entry, 2000);
	perform set_config('app.partner', coalesce(side, ''), true);
	return true;
end $$;
