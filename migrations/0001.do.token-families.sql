-- One row per session. It holds facts and keyed hashes only: nothing in it can be presented as a token.
--
-- That hashes are unique needs no index: the token family, which is the primary key, is part of what is hashed,
-- and within a family there is one row. No column that a rotation changes is indexed, and a page keeps room, so
-- that every rotation is a HOT update.
create table token_families (
  token_family             uuid primary key,
  user_id                  uuid not null,
  paired                   boolean not null,
  door                     text not null,
  client_id                text not null,
  contact                  text,
  on_address_change        text not null,
  on_user_agent_change     text not null,
  login_address            text not null,
  known_since_login        text[] not null,
  created_at               timestamptz(3) not null,
  expires_at               timestamptz(3) not null,
  revoked_at               timestamptz(3),
  revoked_reason           text,

  -- the current pair: replaced as a whole by each rotation
  generation               integer not null,
  hashed_refresh_token_id  bytea not null,
  previous_hash            bytea,
  retry_key_hash           bytea,
  scheme                   text not null,
  seed                     bytea not null,
  access_key_id            text not null,
  refresh_key_id           text not null,
  access_expires_at        timestamptz(3) not null,
  refresh_expires_at       timestamptz(3) not null,
  address                  text not null,
  user_agent               text not null,
  rotated_at               timestamptz(3) not null,

  constraint token_families_generation_counts check (generation >= 0),
  constraint token_families_revoked_with_reason check ((revoked_at is null) = (revoked_reason is null))
) with (fillfactor = 70);

-- What the user of a session was told of on a day (UTC), so that they are told of it once.
create table told_subjects (
  token_family  uuid not null references token_families on delete cascade,
  subject       text not null,
  day           date not null,
  primary key (token_family, subject, day)
);
