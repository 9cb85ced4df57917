-- SPDX-License-Identifier: Apache-2.0
--
-- Machine clients: secrets that overlap while a new one is being rolled out, an end, and the networks a client may come
-- from. grant_id names the terms a token was given under; when they become narrower a new one takes its place, and the
-- old one is revoked.

create table api_client_secrets (
	program_id uuid not null,
	id uuid not null,
	client_id uuid not null,
	partner_id uuid,
	secret_hash bytea not null,
	hint text, -- its last characters, by which people tell one from the other
	created_at timestamptz not null default now(),
	expires_at timestamptz, -- null: as long as the client
	last_used_at timestamptz,
	constraint api_client_secrets_pkey primary key (program_id, id),
	constraint api_client_secrets_client_fkey foreign key (program_id, client_id) references api_clients (program_id, id)
);

create index api_client_secrets_by_client on api_client_secrets (program_id, client_id, created_at);

-- Row-level security is forced upon the owner, too: what is moved is seen through the identity door.
select set_config('app.door', 'identity', true);

insert into api_client_secrets (program_id, id, client_id, partner_id, secret_hash, created_at, last_used_at)
select c.program_id, gen_random_uuid(), c.id, c.partner_id, c.secret_hash, c.created_at, c.last_used_at
from api_clients c;

select set_config('app.door', '', true);

alter table api_clients
	drop column secret_hash,
	add column allowed_networks text[],
	add column expires_at timestamptz,
	add column grant_id uuid not null default gen_random_uuid(),
	add column last_refused_at timestamptz,
	add constraint api_clients_allowed_networks_check check (cardinality(allowed_networks) > 0);

alter table api_client_secrets enable row level security;
alter table api_client_secrets force row level security;
create policy api_client_secrets_wall on api_client_secrets using ((program_id = (select app_program())
	and ((select app_is_vendor()) or partner_id = (select app_partner()))) or (select app_at_identity_door()));
grant select, insert, update, delete on api_client_secrets to partnerd_app;
