-- `revoke_sessions` as before, but a session that has reached its end is neither recorded nor returned: it has expired,
-- and has not ended before its time. It is still revoked, so that a user has few sessions that are not.
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
  revoked := '[]';
  if cardinality(batch) = 0 then
    return;
  end if;
  -- The last ones were refreshed least recently.
  batch := batch[greatest(1, cardinality(batch) - 999):];

  with changed as (
    update token_families set revoked_at = at, revoked_reason = reason
    where token_family = any (batch) and coalesce(revoked_at, 'infinity') = 'infinity'
    returning token_family, generation, user_id_text, expires_at
  ),
  ended as (select * from changed where expires_at > at),
  recorded as (
    insert into outbox (id, kind, type, data, occurred_at, due_at, trace)
    select gen_random_uuid(), 'event', 'sessions.revoked',
      jsonb_build_object(
        'sessionId', token_family, 'userId', coalesce(user_id_text, of_user::text), 'reason', reason
      ), at, at, trace
    from ended
  ),
  audited as (
    insert into security_events (id, occurred_at, type, user_id, user_id_text, session_id, actor, actor_name, address,
      user_agent, generation, data)
    select gen_random_uuid(), at, 'sessions.revoked', of_user, user_id_text, token_family, origin ->> 'actor',
      origin ->> 'actor_name', origin ->> 'address', origin ->> 'user_agent', generation,
      jsonb_strip_nulls(jsonb_build_object('reason', reason, 'statedReason', origin ->> 'stated_reason'))
    from ended
  )
  select coalesce(jsonb_agg(token_family), '[]') from ended into revoked;
end
$$;
