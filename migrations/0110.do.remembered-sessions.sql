-- False where the user did not want to be remembered, so that cookies of the session end with the browser. The rows that an
-- older release inserts get true: their logins set no such cookies. It never changes, and no index holds it.
alter table token_families add column remembered boolean not null default true;
