-- What an operator decides about a user id: whether it may have sessions, and the claims of its access tokens. The row of
-- user_states orders these decisions and the logins of the user.
alter table user_states
  add column disabled_at timestamptz(3),
  add column claims jsonb;

-- The claims of a session beside those that every access token has. `claims` are in its current pair. `next_claims` come
-- with the next pair; null: the same claims again. Both are the claims of the user, overridden by `session_claims`, which
-- the login gave. Null is no claims, as older releases insert it. No index holds these columns, so that a rotation stays a
-- HOT update.
alter table token_families
  add column session_claims jsonb,
  add column claims jsonb,
  add column next_claims jsonb,
  add column device_name text;

-- What the user may do beside using the own account: `operator`.
alter table users add column roles text[] not null default '{}';

-- Refuses a session of a disabled user, and copies the claims of the user into the session. In the database, so that no
-- way of opening a session gets past it, not even an older replica.
--
-- Every login locks the row of user_states before it inserts the session. Each statement of this function therefore sees
-- the decisions that were committed before.
create function admit_session() returns trigger language plpgsql as $$
declare
  is_disabled boolean;
  user_claims jsonb;
begin
  select disabled_at is not null, claims into is_disabled, user_claims
  from user_states where user_id = new.user_id;
  if is_disabled then
    raise exception 'user % is disabled', new.user_id
      using errcode = 'check_violation', constraint = 'token_families_user_is_enabled';
  end if;
  new.claims := nullif(coalesce(user_claims, '{}') || coalesce(new.session_claims, '{}'), '{}');
  return new;
end
$$;

create trigger token_families_admit_session
  before insert on token_families
  for each row
  execute function admit_session();
