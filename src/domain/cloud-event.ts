/** The media type of an event with its attributes in one JSON object (CloudEvents 1.0, JSON format, section 3). */
export const CONTENT_TYPE = 'application/cloudevents+json';

/** An event with its id, as recorded. `trace` has the members of W3C Trace Context; null without a trace. */
interface RecordedEvent {
  readonly id: string;
  readonly event: {
    readonly type: string;
    readonly occurredAt: number;
    readonly data: { readonly userId?: unknown };
  };
  readonly trace: object | null;
}

/** The published form of an event. docs/events.md and docs/events.schema.json describe it. */
export function toCloudEvent({ id, event, trace }: RecordedEvent, source: string) {
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
