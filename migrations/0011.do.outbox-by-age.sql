-- For the removal of old entries in batches, which would otherwise read the whole table for each batch.
-- Migrations run in one transaction, so that CREATE INDEX CONCURRENTLY is impossible. Logins and other changes that
-- record an entry wait while the index is built: about one second for each million entries. The table holds only what
-- is still to be delivered. With a larger backlog create the index by hand before the upgrade, with CONCURRENTLY and
-- this name: it is then kept.
create index if not exists outbox_by_age on outbox (kind, occurred_at);
