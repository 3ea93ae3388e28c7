-- Stand-in for supabase_vault 0.3: the extension's names, signatures, tables and privileges as on a hosted project.

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;
create schema if not exists vault;

create table if not exists embedded.vault_key (
  one boolean primary key default true constraint vault_key_has_one_row check (one),
  key bytea not null default extensions.gen_random_bytes(32)
);
comment on table embedded.vault_key is 'The key that the real Vault keeps outside the database.';
insert into embedded.vault_key default values on conflict do nothing;
revoke all on embedded.vault_key from public;

create or replace function vault._crypto_aead_det_noncegen() returns bytea
language sql volatile set search_path = ''
return extensions.gen_random_bytes(16);

create or replace function vault._crypto_aead_det_encrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea
language sql stable security definer set search_path = ''
return (select extensions.encrypt_iv(message, k.key, nonce, 'aes') from embedded.vault_key as k);

create or replace function vault._crypto_aead_det_decrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea
language sql stable security definer set search_path = ''
return (select extensions.decrypt_iv(message, k.key, nonce, 'aes') from embedded.vault_key as k);

create table if not exists vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default vault._crypto_aead_det_noncegen(),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
comment on table vault.secrets is 'Table with encrypted `secret` column for storing sensitive information on disk.';
create unique index if not exists secrets_name_idx on vault.secrets (name) where name is not null;

create or replace view vault.decrypted_secrets as
select
  s.id, s.name, s.description, s.secret,
  convert_from(
    vault._crypto_aead_det_decrypt(decode(s.secret, 'base64'), convert_to(s.id::text, 'utf8'), 0, 'pgsodium'::bytea, s.nonce),
    'utf8'
  ) as decrypted_secret,
  s.key_id, s.nonce, s.created_at, s.updated_at
from vault.secrets as s;

create or replace function embedded.encrypt_secret(p_id uuid, p_secret text, p_nonce bytea) returns text
language sql stable set search_path = ''
return pg_catalog.encode(
  vault._crypto_aead_det_encrypt(
    pg_catalog.convert_to(p_secret, 'utf8'), pg_catalog.convert_to(p_id::text, 'utf8'), 0, 'pgsodium'::bytea, p_nonce),
  'base64');
comment on function embedded.encrypt_secret is 'A secret as vault.secrets keeps it: encrypted, as base64.';
revoke execute on function embedded.encrypt_secret from public;

create or replace function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_id uuid := pg_catalog.gen_random_uuid();
  v_nonce bytea := vault._crypto_aead_det_noncegen();
begin
  insert into vault.secrets (id, name, description, secret, nonce)
  values (v_id, new_name, new_description, embedded.encrypt_secret(v_id, new_secret, v_nonce), v_nonce);
  return v_id;
end
$$;

create or replace function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update vault.secrets as s
  set secret = case when new_secret is null then s.secret else embedded.encrypt_secret(s.id, new_secret, s.nonce) end,
      name = coalesce(new_name, s.name),
      description = coalesce(new_description, s.description),
      updated_at = pg_catalog.now()
  where s.id = secret_id;
end
$$;

revoke all on all tables in schema vault from public;
revoke execute on all functions in schema vault from public;
grant usage on schema vault to postgres with grant option;
grant select, delete, truncate, references on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant execute on function vault.create_secret(text, text, text, uuid), vault.update_secret(uuid, text, text, text, uuid),
  vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to postgres with grant option;
grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on function vault.create_secret(text, text, text, uuid), vault.update_secret(uuid, text, text, text, uuid),
  vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to service_role;
