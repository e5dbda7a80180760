-- Whether only the client that opened the session may use its refresh tokens (RFC 6749 section 6). The default is for
-- rows of older releases, which keep inserting without this column. A constant default rewrites no row.
alter table token_families add column confidential boolean not null default false;
