-- When the owner of an account proved to receive mail at its address; null: not yet. Accounts of older releases, and
-- those that an older replica still creates, are unverified.
alter table users add column email_verified_at timestamptz(3);

-- Links in mails that prove an address. Only a hash of the link's secret is stored. `email` is the address that the link
-- is about.
create table email_links (
  hashed_token  bytea primary key,
  user_id       uuid not null references users on delete cascade,
  purpose       text not null,
  email         text not null,
  expires_at    timestamptz(3) not null
);

create index email_links_of_user on email_links (user_id);

create index email_links_by_expiry on email_links (expires_at);
