-- For the audit log of all users, of one user, and of one type of event. The table is new, so that the indexes are built
-- in moments.
create index security_events_by_time on security_events (occurred_at, id);

create index security_events_of_user on security_events (user_id, occurred_at, id) where user_id is not null;

create index security_events_of_type on security_events (type, occurred_at, id);
