-- For the list of the newest sessions of all users. No rotation changes one of these columns, so that it stays a HOT
-- update.
create index token_families_by_age on token_families (created_at desc, token_family desc) where revoked_at is null;
