import { Refusal } from '../../domain/refusal.ts';
import { isUuid } from '../../domain/user-id.ts';
import type { StreamSettings, WebhookEndpoint } from '../../domain/webhooks.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { EndpointDeps } from '../webhooks/endpoint-deps.ts';

export interface StreamDeps extends EndpointDeps {
  readonly attempts: Attempts;
  readonly securityLog: SecurityLog;
}

/** An endpoint that a receiver manages by the API of Shared Signals. */
export type Stream = WebhookEndpoint & {
  readonly owner: string;
  readonly stream: StreamSettings;
  readonly audience: string;
};

/** Identifies a stream of one receiver. `owner` is the name of the receiver's service key. */
export interface StreamKey {
  readonly owner: string;
  readonly id: string;
}

export function isStream(endpoint: WebhookEndpoint): endpoint is Stream {
  return endpoint.owner !== null && endpoint.stream !== null && endpoint.audience !== null;
}

/** Rejects with a {@link Refusal} `not_found` if this receiver has no such stream. */
export async function requireStream(
  { webhookEndpoints }: Pick<StreamDeps, 'webhookEndpoints'>,
  { owner, id }: StreamKey,
): Promise<Stream> {
  const endpoint = isUuid(id) ? await webhookEndpoints.find(id.toLowerCase()) : null;
  if (endpoint === null || !isStream(endpoint) || endpoint.owner !== owner) throw notFound();
  return endpoint;
}

/** The stream after a change. Throws a {@link Refusal} `not_found` if it was removed at the same time. */
export function changedStream(endpoint: WebhookEndpoint | null): Stream {
  if (endpoint === null || !isStream(endpoint)) throw notFound();
  return endpoint;
}

function notFound(): Refusal {
  return new Refusal('not_found', 'There is no such stream of this service key.');
}
