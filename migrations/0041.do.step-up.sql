-- The generation of the session's latest authentication: 0 for its login, otherwise the generation that a step-up made.
-- A row whose generation is this one was rotated by a step-up last. Null, as older releases insert it, is 0. An older
-- release that rotates the row leaves it as it is, which is right.
alter table token_families add column auth_generation integer;
