-- The removal of old mail budgets reads them by their last mail. Without this index each removal would read all of them,
-- and end at the statement timeout where a service has sent mails to a million recipients in two days. `if not exists`:
-- an operator may have created it concurrently before.
create index if not exists mail_budgets_by_last_mail on mail_budgets ((sent_at[cardinality(sent_at)]));
