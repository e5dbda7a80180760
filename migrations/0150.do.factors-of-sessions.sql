-- The session that added the factor. Only that session may change factors without proving one. Null where an older release
-- added the factor: then every session must prove it. It never changes, and no index holds it.
alter table user_factors add column added_by uuid;
