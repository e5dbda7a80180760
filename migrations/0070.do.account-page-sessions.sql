-- The cookies of signed-in account pages. The session of a page is a token family, and a row gives the hash of its cookie.
-- Whatever ends or removes the family thereby ends the session of the page.
create table account_page_sessions (
  hashed_token  bytea primary key,
  token_family  uuid not null unique references token_families on delete cascade
);
