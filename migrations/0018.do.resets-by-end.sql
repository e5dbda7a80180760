-- The purge removes password resets by their end. The table holds a few rows for each user at most, so that the index
-- is built in moments.
create index password_resets_by_end on password_resets (expires_at);
