-- SPDX-License-Identifier: Apache-2.0
--
-- Sessions of people as rows of their own. So far a session was what its refresh tokens had in common, which neither its
-- owner could see nor anything but each of its tokens end. Now the row is the one place that says whether a session
-- lives; refresh_tokens keeps which token of it is the present one.

create table sessions (
	program_id uuid not null,
	id uuid not null,
	partner_id uuid,
	user_id uuid not null,
	profile text not null default 'bearer',
	user_agent text,
	address text,
	last_address text,
	created_at timestamptz not null default now(),
	last_used_at timestamptz not null default now(),
	expires_at timestamptz not null,
	idle_expires_at timestamptz not null,
	ended_at timestamptz,
	end_reason text,
	constraint sessions_pkey primary key (program_id, id),
	constraint sessions_id_key unique (id),
	constraint sessions_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint sessions_partner_fkey foreign key (program_id, partner_id) references partners (program_id, id),
	constraint sessions_profile_check check (profile in ('bearer', 'cookie')),
	constraint sessions_end_check check ((ended_at is null) = (end_reason is null)),
	constraint sessions_end_reason_check check (end_reason in ('signed_out', 'ended', 'reused', 'cut_off'))
);

create index sessions_by_user on sessions (program_id, user_id, last_used_at, id);
create index sessions_by_expiry on sessions (expires_at);
create index sessions_by_end on sessions (ended_at) where ended_at is not null;

-- What is signed in goes on; where from is not known of old sessions. The walls hold for the tables' owner, too.
select set_config('app.door', 'identity', true);
insert into sessions (program_id, id, partner_id, user_id, created_at, last_used_at, expires_at, idle_expires_at, ended_at,
	end_reason)
select t.program_id, t.family_id, u.partner_id, t.user_id, min(t.issued_at), max(t.issued_at), max(t.expires_at),
	max(t.issued_at) + interval '7 days', max(t.revoked_at), case when max(t.revoked_at) is not null then 'ended' end
from refresh_tokens t join users u on u.program_id = t.program_id and u.id = t.user_id
group by t.program_id, t.family_id, u.partner_id, t.user_id;
select set_config('app.door', '', true);

alter table refresh_tokens
	drop column revoked_at,
	add constraint refresh_tokens_session_fkey foreign key (program_id, family_id) references sessions (program_id, id)
		on delete cascade;

drop index refresh_tokens_by_family;
create index refresh_tokens_by_family on refresh_tokens (program_id, family_id);

alter table sessions enable row level security;
alter table sessions force row level security;
create policy sessions_wall on sessions using ((select app_at_identity_door()) or (program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner()))));

grant select, insert, update, delete on sessions to partnerd_app;
