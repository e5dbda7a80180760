-- What a user may do beside using the own account: `operator`.
alter table users add column if not exists roles text[] not null default '{}';
