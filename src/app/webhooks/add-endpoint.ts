import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import {
  type DeliveryFormat,
  MAX_ENDPOINTS,
  MAX_STREAMS,
  type WebhookEndpoint,
} from '../../domain/webhooks.ts';
import { assertAcceptable, assertSignsEventTokens } from './assert-acceptable.ts';
import { type Credentials, sealCredentials } from './credentials.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import { endpointEntry } from './endpoint-entry.ts';

export interface NewEndpoint {
  readonly url: string;
  readonly types: readonly string[];
  readonly format: DeliveryFormat;
  readonly enabled: boolean;
  readonly contact: string | null;
  readonly audience: string | null;
}

/** `secret` is returned only here; null where the format has none. */
export interface AddedEndpoint {
  readonly endpoint: WebhookEndpoint;
  readonly secret: string | null;
}

export type AddEndpoint = (wanted: NewEndpoint, origin: ChangeOrigin) => Promise<AddedEndpoint>;

/**
 * Adds an endpoint that operators manage. Rejects with a {@link Refusal}: `invalid_request` if an endpoint cannot have
 * these values, `conflict` if there are too many endpoints.
 */
export const addEndpoint =
  (deps: EndpointDeps): AddEndpoint =>
  async (wanted, origin) => {
    const { format, audience, enabled, url, types, contact } = wanted;
    assertAcceptable(deps, format, wanted);
    if (format !== 'webhook') assertSignsEventTokens(deps);
    if ((format === 'webhook') !== (audience === null))
      throw new Refusal(
        'invalid_request',
        'The formats set and logout-token require an audience, and the format webhook does not accept one.',
      );
    const secret = format === 'webhook' ? deps.webhookSignatures.makeSecret() : null;
    const state = enabled ? 'enabled' : 'disabled';
    const disabledBecause = enabled ? null : 'operator';
    const values = {
      url,
      types,
      contact,
      format,
      audience,
      state,
      disabledBecause,
      owner: null,
      stream: null,
      declared: false,
    } as const;
    const credentials = secret === null ? null : { secret };
    const endpoint = await storeEndpoint(deps, values, credentials, origin);
    return { endpoint, secret };
  };

type Values = Omit<WebhookEndpoint, 'id' | 'createdAt' | 'failingSince' | 'sealedCredentials'>;

/** Rejects with a {@link Refusal} `conflict` if there are too many endpoints. */
export async function storeEndpoint(
  deps: EndpointDeps,
  values: Values,
  credentials: Credentials | null,
  origin: ChangeOrigin,
): Promise<WebhookEndpoint> {
  const { webhookEndpoints, sealer, clock, newId } = deps;
  const id = newId();
  const sealedCredentials = credentials && (await sealCredentials(sealer, id, credentials));
  const endpoint = { ...values, id, createdAt: clock(), failingSince: null, sealedCredentials };
  const entry = endpointEntry(deps, { type: 'webhooks.added', endpointId: id, origin });
  const limits = { total: MAX_ENDPOINTS, ofOwner: MAX_STREAMS };
  if (await webhookEndpoints.add(endpoint, limits, [entry])) return endpoint;
  throw new Refusal(
    'conflict',
    `There are at most ${MAX_ENDPOINTS} endpoints, ${MAX_STREAMS} for one receiver. Remove one first.`,
  );
}
