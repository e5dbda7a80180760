-- Tasks. Names of accounts are looked up, not copied.
create table tasks (
  id        integer generated always as identity primary key,
  author    uuid not null references users on delete cascade,
  text      text not null,
  pub_date  timestamptz(3) not null,
  constraint tasks_have_text check (char_length(text) between 1 and 200)
);

create index tasks_of_author on tasks (author, id desc);

-- Names one state of a user's list: whoever kept the list under this version has it as it is. It is drawn anew with
-- every change, and drawn, not counted: after a restore to an earlier moment a count would come to the same numbers
-- again and mean other lists by them. The first one stands for a list that never had anything in it.
alter table users add column tasks_version uuid not null default '00000000-0000-0000-0000-000000000000';

-- In the database, so that no way of changing tasks gets past it.
create function renew_tasks_version() returns trigger language plpgsql as $$
begin
  update users set tasks_version = gen_random_uuid() where id = coalesce(new.author, old.author);
  return null;
end
$$;

create trigger tasks_renew_version
  after insert or update or delete on tasks
  for each row
  execute function renew_tasks_version();

-- For the list of users, newest first.
create index users_by_age on users (created_at desc, id desc);
