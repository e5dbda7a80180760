-- A hash of the product of the whole User-Agent: user_agent keeps its first 300 characters. Null in rows that an older
-- release wrote, which are judged by user_agent. No index holds the column, so that a rotation stays a HOT update.
alter table token_families add column product_hash bytea;
