-- For the lists of users that operators read: newest first, by the beginning of a name or address, and those with a role
-- or without permission to log in. No query of them reads a whole table.
--
-- Migrations run in one transaction, so that CREATE INDEX CONCURRENTLY is impossible. Registrations and changes of
-- accounts wait while the indexes are built: about two seconds for each million accounts. With many more accounts create
-- them by hand before the upgrade, with CONCURRENTLY and these names: they are then kept.
create index if not exists users_by_age on users (created_at desc, id desc);

create index if not exists users_with_roles on users (id) where roles <> '{}';

-- The order of bytes, so that the beginning of a text is a range. The order of the database depends on its language.
create index if not exists user_identifiers_by_text on user_identifiers (identifier collate "C")
  where reserved_until is null;

create index if not exists user_states_disabled on user_states (user_id) where disabled_at is not null;
