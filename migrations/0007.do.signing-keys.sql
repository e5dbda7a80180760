-- Keys that sign access tokens, one row each. The key itself is sealed under a key that the database does not know.
-- Numbers count up: of several replicas that add the next key at once one is first, and the others find it taken.
create table signing_keys (
  number        integer primary key,
  id            text not null,
  alg           text not null,
  sealed        text not null,
  announced_at  timestamptz(3) not null,
  signs_from    timestamptz(3) not null,
  constraint signing_keys_ids_are_unique unique (id)
);
