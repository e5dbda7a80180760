-- When and how the user of a session was last authenticated: auth_time, and the values of amr (RFC 8176) and acr. Null in
-- rows that an older release inserts: such a session was authenticated when it was created, by an unknown method. A
-- refresh does not change these columns, and no index holds them, so that a rotation stays a HOT update.
alter table token_families
  add column auth_time timestamptz(3),
  add column amr text[],
  add column acr text;
