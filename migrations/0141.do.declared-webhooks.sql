-- True for the endpoints that WEBHOOKS_FILE declares. The file alone adds, changes and removes them. The rows that an older
-- release inserts get false: it does not know the file.
alter table webhook_endpoints add column declared boolean not null default false;
