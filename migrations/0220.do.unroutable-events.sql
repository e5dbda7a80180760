-- Whether no queue took the event at its last attempt. Such an event is no sign of a broker that is down.
alter table outbox add column unroutable boolean not null default false;
