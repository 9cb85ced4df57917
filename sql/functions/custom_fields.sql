-- SPDX-License-Identifier: Apache-2.0
--
-- The fields that are asked for now, as the rules read them; null when none is defined. A partner's walls leave out the
-- vendor's own.
create or replace function custom_field_definitions(object text) returns jsonb language plpgsql stable as
$$
begin
	return (select jsonb_agg(jsonb_build_object('key', f.key, 'kind', f.kind, 'choices', f.choices,
			'is_required', f.is_required, 'is_vendors', f.visibility = 'vendor') order by f.key)
		from custom_fields f
		where f.program_id = app_program() and f.of_object = object and f.status = 'active');
end $$;
