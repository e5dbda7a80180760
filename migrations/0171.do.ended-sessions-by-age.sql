-- For the list of the newest ended sessions of all users. A session enters the index when it is revoked, so that neither a
-- login nor a rotation pays for it.
--
-- Migrations run in one transaction, so that CREATE INDEX CONCURRENTLY is impossible. Logins and refreshes wait while the
-- index is built: about a second for each million ended sessions that are still stored. With many more create the index by
-- hand before the upgrade, with CONCURRENTLY and this name: it is then kept.
create index if not exists token_families_revoked_by_age on token_families (created_at desc, token_family desc)
  where revoked_at is not null;
