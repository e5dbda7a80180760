-- Kinds of password hashes that imports brought, and how long one takes. A refused login takes at least as long as the
-- slowest kind in use, so that its time does not tell how the hash of the account was made.
create table password_kinds (
  name          text primary key,
  milliseconds  real not null
);

-- Accounts that still have the password hash that they were imported with.
create table imported_passwords (
  user_id  uuid primary key references users on delete cascade,
  kind     text not null references password_kinds
);

create index imported_passwords_of_kind on imported_passwords (kind);

create function forget_imported_password() returns trigger language plpgsql as $$
begin
  delete from imported_passwords where user_id = new.id;
  return null;
end
$$;

-- In the database, so that every way of changing a password is covered, also that of an older replica.
create trigger users_forget_imported_password
  after update of password_hash on users
  for each row
  when (old.password_hash is distinct from new.password_hash)
  execute function forget_imported_password();
