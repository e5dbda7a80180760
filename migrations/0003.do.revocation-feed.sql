-- Every replica hears of a session that ends, whoever ended it: NOTIFY is sent when the statement commits, and not
-- at all when it does not. A rotation does not set revoked_at, so that it never gets as far as the trigger.
create function notify_of_revocation() returns trigger language plpgsql as $$
begin
  perform pg_notify('kinship_revoked', json_build_object(
    'token_family', new.token_family,
    'reason', new.revoked_reason,
    'revoked_at', floor(extract(epoch from new.revoked_at) * 1000)
  )::text);
  return null;
end
$$;

create trigger token_families_notify_of_revocation
  after update of revoked_at on token_families
  for each row
  when (old.revoked_at is null and new.revoked_at is not null)
  execute function notify_of_revocation();

-- For a replica that starts and has missed what was sent. Live sessions are not in it, and rotations change no
-- column of it, so that they stay HOT updates.
create index token_families_revoked on token_families (revoked_at) where revoked_at is not null;
