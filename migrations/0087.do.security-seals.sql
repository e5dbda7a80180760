-- The seal of an event; null: not yet sealed. It is the only column of the table that is set later.
alter table security_events add column seal bigint;

create index security_events_unsealed on security_events (occurred_at, id) where seal is null;

create index security_events_of_seal on security_events (seal) where seal is not null;

-- Seals form a chain: each has a MAC over its rows and over the MAC of the seal before. `rows` has the id and the MAC of
-- each event.
create table security_seals (
  number     bigint primary key,
  key_id     text not null,
  sealed_at  timestamptz(3) not null,
  previous   text not null,
  rows       jsonb not null,
  mac        text not null
);

-- The last seal that the purge removed, so that the chain has a beginning. One row at most.
create table security_seal_mark (
  is_only   boolean primary key default true,
  number    bigint not null,
  seal_mac  text not null,
  key_id    text not null,
  mac       text not null,
  constraint security_seal_mark_is_only check (is_only)
);
