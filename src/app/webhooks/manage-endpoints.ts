import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import { FORMER_SECRET_AGE, type WebhookEndpoint } from '../../domain/webhooks.ts';
import type { EndpointChange } from '../../ports/stores/webhook-endpoints.ts';
import { assertAcceptable } from './assert-acceptable.ts';
import { openCredentials, rotateSecret, sealCredentials } from './credentials.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import { endpointEntry } from './endpoint-entry.ts';
import { stateChange, updateEndpoint } from './update-endpoint.ts';

export interface EndpointUpdate {
  readonly url?: string;
  readonly types?: readonly string[];
  readonly enabled?: boolean;
  readonly contact?: string | null;
}

export type ListEndpoints = () => Promise<readonly WebhookEndpoint[]>;
export type FindEndpoint = (id: string) => Promise<WebhookEndpoint>;
export type ChangeEndpoint = (
  id: string,
  change: EndpointUpdate,
  origin: ChangeOrigin,
) => Promise<WebhookEndpoint>;
export type RemoveEndpoint = (id: string, origin: ChangeOrigin) => Promise<void>;

/**
 * A new secret, which only this result contains. The former secret signs as well until `formerSignsUntil`, in
 * milliseconds.
 */
export interface RotatedSecret {
  readonly secret: string;
  readonly formerSignsUntil: number;
}

export type RotateEndpointSecret = (id: string, origin: ChangeOrigin) => Promise<RotatedSecret>;

type Deps = Pick<
  EndpointDeps,
  'webhookEndpoints' | 'webhookSender' | 'webhookSignatures' | 'sealer' | 'clock' | 'newId'
>;

export const listEndpoints =
  ({ webhookEndpoints }: Deps): ListEndpoints =>
  () =>
    webhookEndpoints.list();

/** Rejects with a {@link Refusal} `not_found`, as the following use cases do. */
export const findEndpoint =
  (deps: Deps): FindEndpoint =>
  (id) =>
    requireEndpoint(deps, id);

/**
 * Changes an endpoint. If the state of a stream changes, notifies its receiver. Rejects with a {@link Refusal}
 * `invalid_request` if an endpoint cannot have these values. Rejects with `conflict` if the change contains the URL or
 * types of a stream. Also rejects with `conflict` if it changes more than `enabled` of an endpoint of WEBHOOKS_FILE.
 */
export const changeEndpoint =
  (deps: Deps): ChangeEndpoint =>
  async (id, update, origin) => {
    const read = () => deps.webhookEndpoints.find(id);
    const decide = (endpoint: WebhookEndpoint) => operatorChange(deps, endpoint, update);
    return requireFound(
      (await updateEndpoint(deps, { read, decide, origin, notifiesReceiver: true })).endpoint,
    );
  };

/** Rejects with a {@link Refusal} `conflict` for an endpoint of WEBHOOKS_FILE. */
export const removeEndpoint =
  (deps: Deps): RemoveEndpoint =>
  async (id, origin) => {
    assertNotDeclared(await requireEndpoint(deps, id));
    const entry = endpointEntry(deps, { type: 'webhooks.removed', endpointId: id, origin });
    if (!(await deps.webhookEndpoints.remove(id, [entry]))) throw new Refusal('not_found');
  };

/**
 * Gives an endpoint a new secret. Rejects with a {@link Refusal} `conflict` if the format has no secret, or
 * WEBHOOKS_FILE declares the endpoint. Also rejects with `conflict` if another request changed the secret at the same
 * time.
 */
export const rotateEndpointSecret =
  (deps: Deps): RotateEndpointSecret =>
  async (id, origin) => {
    const { webhookEndpoints, webhookSignatures, sealer, clock } = deps;
    const endpoint = await requireEndpoint(deps, id);
    assertNotDeclared(endpoint);
    const { sealedCredentials: expected, format } = endpoint;
    if (format !== 'webhook' || expected === null)
      throw new Refusal(
        'conflict',
        `The format ${format} has no secret: its tokens are signed by the published keys.`,
      );
    const now = clock();
    const secret = webhookSignatures.makeSecret();
    const credentials = rotateSecret(await openCredentials(sealer, endpoint), secret, now);
    const sealed = await sealCredentials(sealer, id, credentials);
    const entry = endpointEntry(deps, { type: 'webhooks.secret_rotated', endpointId: id, origin });
    if (!(await webhookEndpoints.reseal({ id, sealed }, expected, [entry])))
      throw new Refusal('conflict', 'The secret was changed at the same time. Try again.');
    return { secret, formerSignsUntil: now + FORMER_SECRET_AGE };
  };

/** Only the state of an endpoint of the file can be changed here, until the next start. */
function assertNotDeclared({ declared }: WebhookEndpoint): void {
  if (declared)
    throw new Refusal('conflict', 'WEBHOOKS_FILE declares this endpoint: change the file, then restart.');
}

function operatorChange(
  deps: Deps,
  endpoint: WebhookEndpoint,
  { enabled, ...change }: EndpointUpdate,
): EndpointChange {
  if (endpoint.owner !== null && (change.url !== undefined || change.types !== undefined))
    throw new Refusal('conflict', 'The receiver of this stream chooses its URL and its events.');
  if (Object.keys(change).length > 0) assertNotDeclared(endpoint);
  assertAcceptable(deps, endpoint.format, change);
  if (enabled === undefined) return change;
  const state = enabled ? 'enabled' : 'disabled';
  const reason = `An operator has ${state} the stream.`;
  return { ...change, ...stateChange(endpoint, state, enabled ? null : 'operator', reason) };
}

/** Rejects with a {@link Refusal} `not_found` if there is no such endpoint. */
export async function requireEndpoint(
  { webhookEndpoints }: Pick<Deps, 'webhookEndpoints'>,
  id: string,
): Promise<WebhookEndpoint> {
  return requireFound(await webhookEndpoints.find(id));
}

function requireFound(endpoint: WebhookEndpoint | null): WebhookEndpoint {
  if (endpoint === null) throw new Refusal('not_found');
  return endpoint;
}
