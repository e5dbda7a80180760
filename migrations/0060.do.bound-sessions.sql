-- The thumbprint (RFC 7638) of the key to which a session is bound (RFC 9449); null where it is bound to none, as in the
-- rows that an older release inserts. It never changes. No index holds the column, so that a rotation stays a HOT update.
alter table token_families add column jkt text;
