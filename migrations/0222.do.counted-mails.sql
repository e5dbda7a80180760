-- When the mail was counted in the budget of its recipient; null: not yet. So a further attempt neither counts the mail
-- twice nor skips the budget. A mail that an older release has counted is counted again.
alter table outbox add column counted_at timestamptz(3);
