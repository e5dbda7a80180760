-- When a session ended, or is to end: the purge takes those first that ended first. No rotation changes one of the
-- two columns, so that they stay HOT updates.
create index token_families_ended on token_families (coalesce(revoked_at, expires_at));
