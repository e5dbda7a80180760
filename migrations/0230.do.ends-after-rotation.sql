-- A revocation may wait for a lock while a rotation commits, and the clocks of replicas differ. The stored end of a
-- session is then the time of that rotation. Otherwise the lists of ended sessions forget the session before its last
-- access token expires. A trigger, so that the revocations of an older replica are covered, too. A rotation does not
-- set revoked_at, so that it never gets as far as the trigger.
create function end_after_last_rotation() returns trigger language plpgsql as $$
begin
  new.revoked_at := new.rotated_at;
  return new;
end
$$;

create trigger token_families_end_after_last_rotation
  before update of revoked_at on token_families
  for each row
  when (new.revoked_at < new.rotated_at)
  execute function end_after_last_rotation();
