-- A new security version removes the factors that wait for their confirmation. Otherwise a factor that a thief began to
-- add could be confirmed after the owner has set a new password. Triggers, so that every new version has this effect,
-- also that of an older replica.
create function remove_unconfirmed_factors() returns trigger language plpgsql as $$
begin
  delete from user_factors where user_id = new.user_id and confirmed_at is null;
  return null;
end
$$;

create trigger user_states_remove_unconfirmed
  after update of security_version on user_states
  for each row
  when (old.security_version is distinct from new.security_version)
  execute function remove_unconfirmed_factors();

-- The first version of a user comes with the row. A row with the default has no new version.
create trigger user_states_begin_version
  after insert on user_states
  for each row
  when (new.security_version <> '00000000-0000-0000-0000-000000000000')
  execute function remove_unconfirmed_factors();
