import type { ChangeOrigin } from '../../domain/audit.ts';
import { pickSupportedEvents, SUPPORTED_EVENTS, typesOfEvents } from '../../domain/streams.ts';
import { storeEndpoint } from '../webhooks/add-endpoint.ts';
import { assertDeliverable, assertSignsEventTokens } from '../webhooks/assert-acceptable.ts';
import { asStream, type Stream, type StreamDeps } from './stream.ts';

/** Where a stream delivers. */
export interface StreamDelivery {
  readonly url: string;
  /** The value of `Authorization` in each request; null: without the header. */
  readonly authorization: string | null;
}

/** The properties that the receiver supplies. Null: not given. */
export interface StreamProperties {
  readonly delivery: StreamDelivery;
  readonly eventsRequested: readonly string[] | null;
  readonly description: string | null;
}

export type CreateStream = (
  owner: string,
  properties: StreamProperties,
  origin: ChangeOrigin,
) => Promise<Stream>;

/**
 * Creates a stream of a receiver. Its audience is the name of the receiver's service key. Rejects with a {@link
 * Refusal}: `invalid_request` if the service must not send requests to the URL or ACCESS_TOKEN_ALG is HS512, `conflict`
 * if there are too many streams or endpoints.
 */
export const createStream =
  (deps: StreamDeps): CreateStream =>
  async (owner, { delivery, eventsRequested, description }, origin) => {
    assertSignsEventTokens(deps);
    assertDeliverable(deps, delivery.url, DELIVERY_URL_NAME);
    const requested = eventsRequested ?? SUPPORTED_EVENTS;
    const { url, authorization } = delivery;
    const values = {
      url,
      types: typesOfEvents(pickSupportedEvents(requested)),
      format: 'set',
      audience: owner,
      contact: null,
      owner,
      stream: { description, eventsRequested: requested, statusReason: null },
      state: 'enabled',
      disabledBecause: null,
      declared: false,
    } as const;
    const credentials = authorization === null ? null : { authorization };
    return asStream(await storeEndpoint(deps, values, credentials, origin));
  };

/** The name of the URL in refusals. */
export const DELIVERY_URL_NAME = 'The endpoint_url';
