-- SPDX-License-Identifier: Apache-2.0
--
-- What may be the same company as an application's: a hint for who reviews it, never a refusal. Neither rejected nor
-- withdrawn applications count.
create view application_duplicate_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	null::uuid as _partner_id,
	a.id as _application_id,
	x.id,
	'application_duplicate'::text as object,
	x.resource_type,
	x.number,
	x.name,
	x.status,
	to_jsonb(array_remove(array[
		case when x.website_host = a.website_host then 'website' end,
		case when x.name_key = a.name_key and x.country = a.country then 'name' end,
		case when x.email = a.applicant_email then 'email' end], null)) as matches_on
from partner_applications a
cross join lateral (
	select p.id, 'partner'::text as resource_type, p.number, p.name, p.status, p.website_host, p.name_key, p.country,
		null::text as email
	from partners p
	where p.program_id = a.program_id and p.id is distinct from a.partner_id
		and (p.website_host = a.website_host or (p.name_key = a.name_key and p.country = a.country))
	union all
	select o.id, 'partner_application', o.number, o.name, o.status, o.website_host, o.name_key, o.country,
		o.applicant_email
	from partner_applications o
	where o.program_id = a.program_id and o.id <> a.id and o.status not in ('rejected', 'withdrawn')
		and (o.website_host = a.website_host or (o.name_key = a.name_key and o.country = a.country)
			or o.applicant_email = a.applicant_email)
) x;

grant select on application_duplicate_shape to partnerd_app;
