import type { WebhookEndpoint } from '../../../domain/webhooks.ts';
import type { WebhookRequest } from '../../../ports/delivery/webhook-sender.ts';
import type { DeliveredEvent } from '../../../ports/stores/webhook-deliveries.ts';
import type { TraceContext } from '../../../ports/tracing.ts';
import type { Credentials } from '../credentials.ts';

/** An event on its way to an endpoint. */
export interface OutgoingEvent {
  readonly event: DeliveredEvent;
  readonly endpoint: WebhookEndpoint;
  readonly credentials: Credentials;
  /** The span that delivers the event. Without tracing: the context that was recorded with the event, or null. */
  readonly trace: TraceContext | null;
  readonly now: number;
}

/** Makes the request that delivers an event. Null: the format cannot carry this event. */
export type Format = (outgoing: OutgoingEvent) => Promise<Omit<WebhookRequest, 'url'> | null>;
