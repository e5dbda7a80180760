-- What is still to be delivered: recorded by the statement that makes the change, removed once delivered.
create table outbox (
  id           uuid primary key,
  kind         text not null,
  type         text not null,
  data         jsonb not null,
  occurred_at  timestamptz(3) not null,
  contact      text,
  attempts     integer not null default 0,
  due_at       timestamptz(3) not null,
  buried_at    timestamptz(3),
  last_error   text
);

create index outbox_due on outbox (kind, due_at) where buried_at is null;
