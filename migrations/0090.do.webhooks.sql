-- The endpoints of other systems that get events by HTTP.
create table webhook_endpoints (
  id                  uuid primary key,
  url                 text not null,
  types               text[] not null,
  format              text not null,
  audience            text,
  contact             text,
  -- The service key whose stream the endpoint is; null: operators manage the endpoint.
  owner               text,
  stream              jsonb,
  state               text not null,
  disabled_because    text,
  -- When the owner of a disabled endpoint was told by mail; null: not yet.
  owner_told_at       timestamptz(3),
  sealed_credentials  text,
  created_at          timestamptz(3) not null,
  -- The first failure since the last success.
  failing_since       timestamptz(3),
  -- The endpoint asked for no requests until this time (Retry-After).
  held_until          timestamptz(3)
);

-- A row for each event and each endpoint that wants it, with the attempts to deliver it.
create table webhook_deliveries (
  endpoint_id  uuid not null,
  event_id     uuid not null,
  type         text not null,
  data         jsonb not null,
  occurred_at  timestamptz(3) not null,
  trace        jsonb,
  state        text not null default 'pending',
  attempts     integer not null default 0,
  due_at       timestamptz(3) not null,
  history      jsonb not null default '[]',
  primary key (endpoint_id, event_id)
);

create index webhook_deliveries_due on webhook_deliveries (endpoint_id, due_at) where state = 'pending';
create index webhook_deliveries_by_time on webhook_deliveries (endpoint_id, occurred_at, event_id);
create index webhook_deliveries_by_age on webhook_deliveries (occurred_at);

-- A trigger, because several statements and functions record events, also those of an older release that runs beside
-- this one. So the deliveries commit together with the change, and a publisher cannot remove the event before them.
create function fan_out_events() returns trigger language plpgsql as $$
begin
  insert into webhook_deliveries (endpoint_id, event_id, type, data, occurred_at, trace, due_at)
  select endpoint.id, event.id, event.type, event.data, event.occurred_at, event.trace, event.occurred_at
  from recorded event
    join webhook_endpoints endpoint on endpoint.state <> 'disabled' and exists (
      select from unnest(endpoint.types) as wanted (type)
      where wanted.type in ('*', event.type)
        or (wanted.type like '%.*' and starts_with(event.type, left(wanted.type, -1)))
    )
  where event.kind = 'event';
  return null;
end
$$;

create trigger fan_out_events after insert on outbox
  referencing new table as recorded
  for each statement execute function fan_out_events();
