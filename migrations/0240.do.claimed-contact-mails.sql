-- The mail to the contact of a disabled endpoint: its attempts, and when the next one is due. Null: due at once. A claim
-- postpones it, so that replicas do not send it twice. An older replica ignores the claim, and then sends the mail again
-- with the same id.
alter table webhook_endpoints
  add column contact_attempts  integer not null default 0,
  add column contact_due_at    timestamptz(3),
  -- The first attempt. A mail that still fails a day later is given up.
  add column contact_since     timestamptz(3);
