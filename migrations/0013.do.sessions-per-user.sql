-- One row per user id, also for ids without an account. Logins and changes that end several sessions of a user lock
-- it first, so that they happen one after another. It survives the account.
create table user_states (
  user_id  uuid primary key
);

-- The sessions of a user that were not revoked: at most SESSIONS_PER_USER of them. No rotation changes one of these
-- columns, so that it stays a HOT update.
create index token_families_unrevoked on token_families (user_id) where revoked_at is null;

-- Revokes sessions of a user: all but `spared` and the `kept` most recently refreshed of the others. Sessions that
-- are past their end count as refreshed before all others. One call revokes at most 1,000, the least recently
-- refreshed first: `more` says whether some are left. Each is recorded as `sessions.revoked`.
--
-- A function, because each of its statements sees what was committed before that statement began. A login therefore
-- waits for the lock, counts and opens its session in one round trip.
create function revoke_sessions(
  of_user uuid, kept integer, spared uuid, at timestamptz, reason text, trace jsonb,
  out revoked jsonb, out more boolean
) language plpgsql as $$
declare
  batch uuid[];
begin
  insert into user_states as state (user_id) values (of_user)
  on conflict (user_id) do update set user_id = state.user_id where false;

  batch := array(
    select token_family from token_families
    where user_id = of_user and revoked_at is null and token_family is distinct from spared
    order by least(expires_at, refresh_expires_at) > at desc, rotated_at desc, token_family
    offset kept
  );
  more := cardinality(batch) > 1000;
  -- The last ones were refreshed least recently.
  batch := batch[greatest(1, cardinality(batch) - 999):];

  -- The array, unlike a join, is always looked up by the primary key.
  with changed as (
    update token_families set revoked_at = at, revoked_reason = reason
    where token_family = any (batch) and revoked_at is null
    returning token_family
  ),
  recorded as (
    insert into outbox (id, kind, type, data, occurred_at, due_at, trace)
    select gen_random_uuid(), 'event', 'sessions.revoked',
      jsonb_build_object('sessionId', token_family, 'userId', of_user, 'reason', reason), at, at, trace
    from changed
  )
  select coalesce(jsonb_agg(token_family), '[]') from changed into revoked;
end
$$;
