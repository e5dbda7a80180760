-- Names the state of the account that a login challenge was made for: it is drawn anew with each change of the password,
-- the address or a factor. A challenge of an earlier state is dead. Drawn, not counted: after a restore of the database a
-- count would come to the same numbers again. A user without a row has the default.
alter table user_states
  add column security_version uuid not null default '00000000-0000-0000-0000-000000000000';

create function renew_security_version(of_user uuid) returns void language sql as $$
  insert into user_states (user_id, security_version) values (of_user, gen_random_uuid())
  on conflict (user_id) do update set security_version = excluded.security_version
$$;

create function renew_security_version_of_account() returns trigger language plpgsql as $$
begin
  perform renew_security_version(new.id);
  return null;
end
$$;

-- In the database, so that no way of changing a password or an address gets past it, not even an older replica.
create trigger users_renew_security_version
  after update of password_hash, email on users
  for each row
  when (old.password_hash is distinct from new.password_hash or old.email is distinct from new.email)
  execute function renew_security_version_of_account();

-- Whether the account has a confirmed factor. It is a column of the account, because a login locks and checks that row.
alter table users add column has_second_factor boolean not null default false;

-- A secret of TOTP is sealed: the key is not in the database. A factor without confirmed_at is not in use yet.
create table user_factors (
  id             uuid primary key,
  user_id        uuid not null references users on delete cascade,
  kind           text not null,
  label          text not null,
  created_at     timestamptz(3) not null,
  confirmed_at   timestamptz(3),
  last_used_at   timestamptz(3),
  sealed_secret  text,
  last_step      bigint
);

create index user_factors_of_user on user_factors (user_id, created_at, id);

-- Codes that replace a factor once: hashes only. A code that was used is deleted.
create table recovery_codes (
  user_id      uuid not null references users on delete cascade,
  hashed_code  bytea not null,
  primary key (user_id, hashed_code)
);

-- Challenges that were answered at least once, so that a challenge has a bounded number of answers and one success. The
-- key is a hash of what the sealed challenge contains.
create table login_challenges (
  hashed_nonce  bytea primary key,
  answers       integer not null,
  is_used       boolean not null default false,
  expires_at    timestamptz(3) not null
);

create index login_challenges_by_expiry on login_challenges (expires_at);
