-- When mails were sent to a recipient in the last day: at most 30 times. The key is a hash of the recipient, so that
-- a deleted account leaves no address behind.
create table mail_budgets (
  recipient  bytea primary key,
  sent_at    timestamptz(3)[] not null
);

-- The recipient whose next digest a mail waits for, as in mail_budgets.
alter table outbox add column held_for bytea;

create index outbox_held on outbox (held_for, due_at) where held_for is not null and buried_at is null;
