import type { DeclaredEndpoint, WebhookEndpoint } from '../../domain/webhooks.ts';
import { MAX_ENDPOINTS, MAX_STREAMS } from '../../domain/webhooks.ts';
import type { WebhookDeliveries } from '../../ports/stores/webhook-deliveries.ts';
import type { EndpointChange } from '../../ports/stores/webhook-endpoints.ts';
import { assertAcceptable, assertSignsEventTokens } from './assert-acceptable.ts';
import { openCredentials, rotateSecret, sealCredentials } from './credentials.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import { updateEndpoint } from './update-endpoint.ts';

type Deps = Pick<EndpointDeps, 'webhookEndpoints' | 'sealer' | 'clock' | 'newId'> & {
  readonly webhookDeliveries: Pick<WebhookDeliveries, 'forgetRemoved'>;
};

/** The number of deliveries that one statement removes. */
const BATCH = 1_000;

/** Throws a {@link Refusal} `invalid_request` if an endpoint of WEBHOOKS_FILE cannot have its values. */
export function assertAcceptableDeclaration(
  deps: Pick<EndpointDeps, 'webhookSender' | 'signsEventTokens'>,
  declared: DeclaredEndpoint,
): void {
  assertAcceptable(deps, declared.format, declared);
  if (declared.format !== 'webhook') assertSignsEventTokens(deps);
}

/**
 * Makes the stored endpoints that WEBHOOKS_FILE declares equal to those in the file: adds, changes and removes them.
 * Other endpoints stay as they are. Several replicas may call it at the same time.
 */
export async function applyDeclared(deps: Deps, declared: readonly DeclaredEndpoint[]): Promise<void> {
  const { webhookEndpoints } = deps;
  const ids = new Set(declared.map(({ id }) => id));
  const stored = (await webhookEndpoints.list()).filter((endpoint) => endpoint.declared);
  for (const { id } of stored) if (!ids.has(id)) await webhookEndpoints.remove(id);
  for (const wanted of declared) {
    const isStored = stored.some(({ id }) => id === wanted.id);
    if (isStored || !(await add(deps, wanted))) await update(deps, wanted);
  }
}

/** False if another replica has added the endpoint in the meantime. */
async function add(deps: Deps, wanted: DeclaredEndpoint): Promise<boolean> {
  const { webhookEndpoints, webhookDeliveries, sealer, clock } = deps;
  const { id, enabled, secret, ...values } = wanted;
  // An endpoint that was in the file before has the same id. Its earlier deliveries must not be sent now.
  while ((await webhookDeliveries.forgetRemoved(id, BATCH)) > 0);
  const endpoint = {
    ...values,
    id,
    declared: true,
    owner: null,
    stream: null,
    state: enabled ? 'enabled' : 'disabled',
    disabledBecause: enabled ? null : 'operator',
    createdAt: clock(),
    failingSince: null,
    sealedCredentials: secret === null ? null : await sealCredentials(sealer, id, { secret }),
  } as const;
  if (await webhookEndpoints.add(endpoint, { total: MAX_ENDPOINTS, ofOwner: MAX_STREAMS })) return true;
  if ((await webhookEndpoints.find(id)) !== null) return false;
  throw new Error(
    `WEBHOOKS_FILE: there are at most ${MAX_ENDPOINTS} endpoints, with those of the admin API and the streams. Remove one first.`,
  );
}

async function update(deps: Deps, wanted: DeclaredEndpoint): Promise<void> {
  await updateEndpoint(deps, {
    read: () => deps.webhookEndpoints.find(wanted.id),
    decide: async (existing) => ({
      types: wanted.types,
      contact: wanted.contact,
      ...declaredState(wanted, existing),
      ...(await secretChange(deps, wanted, existing)),
    }),
    // The file is the record of its changes.
    origin: null,
    // The file declares no streams.
    notifiesReceiver: false,
  });
}

/** A restart does not enable an endpoint that was disabled because it was gone or dead. */
function declaredState(
  { enabled }: DeclaredEndpoint,
  { state, disabledBecause }: WebhookEndpoint,
): EndpointChange {
  if (!enabled) return { state: 'disabled', disabledBecause: 'operator' };
  if (state === 'disabled' && disabledBecause === 'operator')
    return { state: 'enabled', disabledBecause: null };
  return {};
}

/** If the file has a new secret, the former secret still signs for a while, as after a rotation. */
async function secretChange(
  { sealer, clock }: Deps,
  { id, secret }: DeclaredEndpoint,
  existing: WebhookEndpoint,
): Promise<EndpointChange> {
  if (secret === null) return {};
  const credentials = await openCredentials(sealer, existing);
  if (credentials.secret === secret) return {};
  const rotated = rotateSecret(credentials, secret, clock());
  return { sealedCredentials: await sealCredentials(sealer, id, rotated) };
}
