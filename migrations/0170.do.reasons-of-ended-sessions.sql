-- `revoke_sessions` as before. The audit events also have the reason that an operator stated. An older replica gives no
-- reason.
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
    returning token_family, generation
  ),
  recorded as (
    insert into outbox (id, kind, type, data, occurred_at, due_at, trace)
    select gen_random_uuid(), 'event', 'sessions.revoked',
      jsonb_build_object('sessionId', token_family, 'userId', of_user, 'reason', reason), at, at, trace
    from changed
  ),
  audited as (
    insert into security_events (id, occurred_at, type, user_id, session_id, actor, actor_name, address, user_agent,
      generation, data)
    select gen_random_uuid(), at, 'sessions.revoked', of_user, token_family, origin ->> 'actor',
      origin ->> 'actor_name', origin ->> 'address', origin ->> 'user_agent', generation,
      jsonb_strip_nulls(jsonb_build_object('reason', reason, 'statedReason', origin ->> 'stated_reason'))
    from changed
  )
  select coalesce(jsonb_agg(token_family), '[]') from changed into revoked;
end
$$;
