-- The text of a user id that is no UUID; null: `user_id` is the id itself. For a text `user_id` is derived from its SHA-256,
-- so that keys and indexes stay UUIDs. Neither column ever changes, and no index holds the text, so that a rotation stays a
-- HOT update. An older release inserts null: it knows UUIDs only.
alter table token_families add column user_id_text text;

-- The id of an event without a user is null in both columns.
alter table security_events add column user_id_text text;

-- `revoke_sessions` as before, with the text of the user id in its events. The text comes from the rows, so that an older
-- replica, which calls the same function, also names the user as the others do.
create or replace function revoke_sessions(
  of_user uuid, kept integer, spared uuid, at timestamptz, reason text, trace jsonb, origin jsonb,
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
    returning token_family, generation, user_id_text
  ),
  recorded as (
    insert into outbox (id, kind, type, data, occurred_at, due_at, trace)
    select gen_random_uuid(), 'event', 'sessions.revoked',
      jsonb_build_object(
        'sessionId', token_family, 'userId', coalesce(user_id_text, of_user::text), 'reason', reason
      ), at, at, trace
    from changed
  ),
  audited as (
    insert into security_events (id, occurred_at, type, user_id, user_id_text, session_id, actor, actor_name, address,
      user_agent, generation, data)
    select gen_random_uuid(), at, 'sessions.revoked', of_user, user_id_text, token_family, origin ->> 'actor',
      origin ->> 'actor_name', origin ->> 'address', origin ->> 'user_agent', generation,
      jsonb_strip_nulls(jsonb_build_object('reason', reason, 'statedReason', origin ->> 'stated_reason'))
    from changed
  )
  select coalesce(jsonb_agg(token_family), '[]') from changed into revoked;
end
$$;
