-- Passkeys (WebAuthn): public keys only. The table holds no row of a passkey yet, so the index is built at once.
alter table user_factors
  add column credential_id  bytea,
  add column public_key     bytea,
  add column sign_count     bigint,
  add column transports     text[],
  add column is_backed_up   boolean;

create unique index user_factors_credentials_are_unique on user_factors (credential_id);
