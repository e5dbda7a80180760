-- Accounts. Names and addresses are one space of normalised identifiers, each of which finds one user: so no name
-- can be taken twice, nor be somebody else's address, whatever its case or Unicode form.
create table users (
  id             uuid primary key,
  username       text not null,
  email          text not null,
  password_hash  text not null,
  created_at     timestamptz(3) not null
);

create table user_identifiers (
  identifier  text not null,
  user_id     uuid not null references users on delete cascade,
  constraint user_identifiers_are_unique primary key (identifier)
);

create index user_identifiers_of_user on user_identifiers (user_id);

-- Links in mails that let a user set a new password. Only a hash of the link's secret is kept.
create table password_resets (
  hashed_token  bytea primary key,
  user_id       uuid not null references users on delete cascade,
  expires_at    timestamptz(3) not null
);

create index password_resets_of_user on password_resets (user_id);

-- For lists of a user's sessions, newest first. No rotation changes one of these columns.
create index token_families_of_user on token_families (user_id, created_at desc, token_family desc);
