import type { ChangeOrigin } from '../../domain/audit.ts';
import { pickSupportedEvents, SUPPORTED_EVENTS, typesOfEvents } from '../../domain/streams.ts';
import type { EndpointChange } from '../../ports/stores/webhook-endpoints.ts';
import { assertDeliverable } from '../webhooks/assert-acceptable.ts';
import { sealCredentials } from '../webhooks/credentials.ts';
import { endpointEntry } from '../webhooks/endpoint-entry.ts';
import { DELIVERY_URL_NAME, type StreamDelivery, type StreamProperties } from './create-stream.ts';
import {
  isStream,
  requireStream,
  type Stream,
  type StreamDeps,
  type StreamKey,
  updateStream,
} from './stream.ts';

/** The properties that a change replaces. An absent property stays. */
export type StreamUpdate = Partial<StreamProperties>;

export type ListStreams = (owner: string) => Promise<readonly Stream[]>;
export type FindStream = (key: StreamKey) => Promise<Stream>;
export type ChangeStream = (key: StreamKey, update: StreamUpdate, origin: ChangeOrigin) => Promise<Stream>;
export type RemoveStream = (key: StreamKey, origin: ChangeOrigin) => Promise<void>;

export const listStreams =
  ({ webhookEndpoints }: StreamDeps): ListStreams =>
  async (owner) =>
    (await webhookEndpoints.list()).filter(isStream).filter((stream) => stream.owner === owner);

/** Rejects with a {@link Refusal} `not_found` for a stream of another receiver, as the following use cases do. */
export const findStream =
  (deps: StreamDeps): FindStream =>
  (key) =>
    requireStream(deps, key);

/** Rejects with a {@link Refusal} `invalid_request` if the URL cannot be delivered to. */
export const changeStream =
  (deps: StreamDeps): ChangeStream =>
  (key, update, origin) =>
    updateStream(deps, key, (stream) => propertiesChange(deps, stream, update), origin);

/** Removes a stream. It is no error if another request removes the stream at the same time. */
export const removeStream =
  (deps: StreamDeps): RemoveStream =>
  async (key, origin) => {
    const { id } = await requireStream(deps, key);
    const entry = endpointEntry(deps, { type: 'webhooks.removed', endpointId: id, origin });
    await deps.webhookEndpoints.remove(id, [entry]);
  };

async function propertiesChange(
  deps: StreamDeps,
  { id, types, stream }: Stream,
  { delivery, description, eventsRequested }: StreamUpdate,
): Promise<EndpointChange> {
  const requested = eventsRequested === null ? SUPPORTED_EVENTS : eventsRequested;
  return {
    types: requested === undefined ? types : typesOfEvents(pickSupportedEvents(requested)),
    stream: {
      ...stream,
      eventsRequested: requested ?? stream.eventsRequested,
      description: description === undefined ? stream.description : description,
    },
    ...(delivery && (await deliveryChange(deps, id, delivery))),
  };
}

async function deliveryChange(
  deps: StreamDeps,
  id: string,
  { url, authorization }: StreamDelivery,
): Promise<EndpointChange> {
  assertDeliverable(deps, url, DELIVERY_URL_NAME);
  // The former header belongs to the former URL.
  const sealedCredentials =
    authorization === null ? null : await sealCredentials(deps.sealer, id, { authorization });
  return { url, sealedCredentials };
}
