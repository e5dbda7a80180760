import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isUuid } from '../../domain/user-id.ts';
import type { StreamSettings, WebhookEndpoint } from '../../domain/webhooks.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { EndpointChange } from '../../ports/stores/webhook-endpoints.ts';
import type { EndpointDeps } from '../webhooks/endpoint-deps.ts';
import { updateEndpoint } from '../webhooks/update-endpoint.ts';

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
  const stream = asStream(isUuid(id) ? await webhookEndpoints.find(id.toLowerCase()) : null);
  if (stream.owner !== owner) throw notFound();
  return stream;
}

/** Throws a {@link Refusal} `not_found` if there is no such stream. */
export function asStream(endpoint: WebhookEndpoint | null): Stream {
  if (endpoint === null || !isStream(endpoint)) throw notFound();
  return endpoint;
}

/**
 * Changes a stream for its receiver. The receiver gets no event about its own change. Rejects with a {@link Refusal}
 * `not_found`, or with that of `decide`.
 */
export async function updateStream(
  deps: StreamDeps,
  key: StreamKey,
  decide: (stream: Stream) => EndpointChange | Promise<EndpointChange>,
  origin: ChangeOrigin,
): Promise<Stream> {
  const { endpoint } = await updateEndpoint(deps, {
    read: () => requireStream(deps, key),
    decide,
    origin,
    notifiesReceiver: false,
  });
  return asStream(endpoint);
}

function notFound(): Refusal {
  return new Refusal('not_found', 'There is no such stream of this service key.');
}
