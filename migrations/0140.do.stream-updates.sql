-- A stream that an operator or this service disables is told so, although it gets nothing else. Few rows are in the
-- index, so a disabled stream with many waiting deliveries costs nothing.
create index webhook_deliveries_stream_updates on webhook_deliveries (endpoint_id, due_at)
  where state = 'pending' and type = 'streams.updated';
