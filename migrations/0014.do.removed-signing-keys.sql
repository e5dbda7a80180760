-- A signing key that was removed leaves a mark, so that a row that is put back is refused. A trigger sets the mark, so
-- that an older replica that removes a key beside a newer one leaves it too.
create table removed_signing_keys (
  id          text primary key,
  removed_at  timestamptz(3) not null default now()
);

create function mark_removed_signing_key() returns trigger language plpgsql as $$
begin
  insert into removed_signing_keys (id) values (old.id) on conflict do nothing;
  return null;
end
$$;

create trigger signing_keys_mark_removed
  after delete on signing_keys
  for each row
  execute function mark_removed_signing_key();
