-- Until when a former address of an account stays reserved for it; null: the identifier is in use. An older replica still
-- logs the account in by a reserved address.
alter table user_identifiers add column reserved_until timestamptz(3);

create index user_identifiers_reserved on user_identifiers (reserved_until) where reserved_until is not null;
