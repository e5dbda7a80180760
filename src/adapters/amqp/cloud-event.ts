import type { Publication } from '../../ports/delivery/event-publisher.ts';

/** The media type of an event with its attributes in one JSON object (CloudEvents 1.0, JSON format, section 3). */
export const CONTENT_TYPE = 'application/cloudevents+json';

/** The published form of an event. docs/events.md and docs/events.schema.json describe it. */
export function toCloudEvent({ id, event, trace }: Publication, source: string) {
  return {
    specversion: '1.0',
    id,
    source,
    type: event.type,
    time: new Date(event.occurredAt).toISOString(),
    subject: event.data.userId,
    datacontenttype: 'application/json',
    ...trace, // the CloudEvents extension "Distributed Tracing"
    data: event.data,
  };
}
