-- The span under way when an entry was recorded, as W3C Trace Context has it: its delivery joins that trace.
alter table outbox add column trace jsonb;
