-- SPDX-License-Identifier: Apache-2.0
--
-- People are invited and choose their password themselves; what lets somebody do so without one is a token, kept as a
-- hash and good once. What is mailed to them waits in an outbox.

alter table users
	alter column password_hash drop not null,
	add column is_accepted boolean not null default true,
	drop constraint users_status_check,
	add constraint users_status_check check (status in ('invited', 'active', 'disabled', 'erased')),
	add constraint users_invited_check check (status <> 'invited' or (password_hash is null and not is_accepted));

-- One token of a kind for a person: the next one takes the place of the last.
create table user_tokens (
	program_id uuid not null,
	user_id uuid not null,
	kind text not null,
	partner_id uuid,
	token_hash bytea not null,
	created_at timestamptz not null default now(),
	expires_at timestamptz not null,
	constraint user_tokens_pkey primary key (program_id, user_id, kind),
	constraint user_tokens_hash_key unique (token_hash),
	constraint user_tokens_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint user_tokens_kind_check check (kind in ('invitation', 'password_reset'))
);

create index user_tokens_by_expiry on user_tokens (expires_at);

-- The outbox. Subject and text hold a token: they are sealed, and gone as soon as the mail is no longer waiting. The
-- address is the person's at the time of sending. All mails are the vendor's, whoever they are for.
create table mails (
	program_id uuid not null,
	id uuid not null,
	user_id uuid not null,
	kind text not null,
	status text not null default 'queued',
	sealed text,
	attempts int not null default 0,
	next_attempt_at timestamptz not null default now(),
	last_error text,
	sent_at timestamptz,
	expires_at timestamptz not null,
	version int not null default 1,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	constraint mails_pkey primary key (program_id, id),
	constraint mails_user_fkey foreign key (program_id, user_id) references users (program_id, id),
	constraint mails_kind_check check (kind in ('invitation', 'password_reset')),
	constraint mails_status_check check (status in ('queued', 'sent', 'failed', 'expired', 'cancelled')),
	constraint mails_sealed_check check ((status = 'queued') = (sealed is not null))
);

create index mails_due on mails (next_attempt_at, id) where status = 'queued';
create index mails_by_user on mails (program_id, user_id);
create index mails_by_expiry on mails (expires_at) where status = 'queued';

-- Who has forgotten a password, as they said it. A job looks for the person later, so that the answer says nothing and
-- takes as long for an address that nobody has.
create table password_reset_requests (
	id uuid not null,
	email text not null,
	program text,
	request_id uuid not null,
	requested_at timestamptz not null default now(),
	constraint password_reset_requests_pkey primary key (id)
);

create index password_reset_requests_by_time on password_reset_requests (requested_at);

do $$
declare
	name text;
	rule text;
	own constant text :=
		'(program_id = (select app_program()) and ((select app_is_vendor()) or partner_id = (select app_partner())))';
	door constant text := '(select app_at_identity_door())';
begin
	for name, rule in values
		('user_tokens', own || ' or ' || door),
		('mails', '(program_id = (select app_program()) and (select app_is_vendor())) or ' || door),
		('password_reset_requests', door)
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I using (%s)', name || '_wall', name, rule);
	end loop;
end $$;

grant select, insert, update, delete on user_tokens, mails, password_reset_requests to partnerd_app;
