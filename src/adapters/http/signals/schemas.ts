import { type Static, Type } from '@sinclair/typebox';
import type { StreamDelivery, StreamProperties } from '../../../app/streams/create-stream.ts';
import type { Stream } from '../../../app/streams/stream.ts';
import {
  PUSH_DELIVERY,
  pickSupportedEvents,
  SUPPORTED_EVENTS,
  VERIFICATION_INTERVAL,
} from '../../../domain/streams.ts';
import { closed, count, longText, oneOf } from '../server/field-schemas.ts';

/** Text for people, of one line, without control or format characters. */
const Line = (maxLength: number) => Type.String({ pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$', maxLength });

/** Accepts any text. An id of another form is answered as unknown, not as malformed. */
export const StreamId = Type.String({ maxLength: 64, description: 'the id of a stream' });

const Uris = Type.Array(Type.String({ pattern: '^[\\x21-\\x7e]+$', maxLength: 255 }), { maxItems: 50 });

const Delivery = Type.Object(
  {
    method: oneOf([PUSH_DELIVERY], { description: 'push by POST (RFC 8935)' }),
    endpoint_url: Type.String({ pattern: '^https?://[\\x21-\\x7e]+$', maxLength: 2_048 }),
    authorization_header: Type.Optional(
      Type.String({
        pattern: '^[\\x21-\\x7e](?:[\\x20-\\x7e]*[\\x21-\\x7e])?$',
        maxLength: 2_048,
        description: 'the value of `Authorization` in each delivery; it is never shown again',
      }),
    ),
  },
  closed,
);

/** The properties that receivers supply. */
const supplied = {
  delivery: Delivery,
  events_requested: Type.Optional({ ...Uris, minItems: 1, description: 'default: all that are supported' }),
  description: Type.Optional(Line(200)),
};

const Audience = longText({ description: 'the `aud` of the tokens: the name of the service key' });

/** The properties that this service supplies. A change may repeat their current values. */
const repeated = {
  iss: Type.Optional(longText()),
  aud: Type.Optional(Audience),
  events_supported: Type.Optional(Uris),
  events_delivered: Type.Optional(Uris),
  min_verification_interval: Type.Optional(count()),
};

const id = '5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11';
const delivery = { method: PUSH_DELIVERY, endpoint_url: 'https://receiver.example.com/events' } as const;
const requested = SUPPORTED_EVENTS.slice(0, 1);
const description = 'Sessions that end';

export const NewStreamBody = Type.Object(supplied, {
  ...closed,
  title: 'NewStream',
  examples: [{ delivery, events_requested: requested, description }],
});

export const StreamChangeBody = Type.Object(
  { stream_id: StreamId, ...supplied, delivery: Type.Optional(Delivery), ...repeated },
  { ...closed, title: 'StreamChange', examples: [{ stream_id: id, description }] },
);

export const StreamReplacementBody = Type.Object(
  { stream_id: StreamId, ...supplied, ...repeated },
  { ...closed, title: 'StreamReplacement', examples: [{ stream_id: id, delivery, description }] },
);

const example = {
  stream_id: id,
  iss: 'https://auth.example.com',
  aud: 'shop',
  delivery,
  events_supported: [...SUPPORTED_EVENTS],
  events_requested: requested,
  events_delivered: requested,
  min_verification_interval: VERIFICATION_INTERVAL / 1_000,
  description,
};

export const StreamAnswer = Type.Object(
  {
    stream_id: longText(),
    iss: longText(),
    aud: Audience,
    delivery: Type.Object({ method: longText(), endpoint_url: longText() }, closed),
    events_supported: Uris,
    events_requested: Uris,
    events_delivered: Uris,
    min_verification_interval: count({ description: 'seconds' }),
    description: Type.Optional(longText()),
  },
  { ...closed, title: 'Stream', examples: [example] },
);

export const StreamQuery = Type.Object({ stream_id: StreamId });

/** One stream, or all streams of the receiver without an id. */
export const StreamOrList = Type.Union([StreamAnswer, Type.Array(StreamAnswer, { maxItems: 100 })], {
  title: 'StreamOrStreams',
  examples: [example, [example]],
});

const status = oneOf(['enabled', 'paused', 'disabled'], {
  description: '`paused`: events are kept for seven days and sent later. `disabled`: events are not kept',
});

export const StatusBody = Type.Object(
  { stream_id: StreamId, status, reason: Type.Optional(Line(200)) },
  {
    ...closed,
    title: 'NewStreamStatus',
    examples: [{ stream_id: id, status: 'paused', reason: 'An upgrade' }],
  },
);

export const StatusAnswer = Type.Object(
  { stream_id: longText(), status, reason: Type.Optional(longText()) },
  { ...closed, title: 'StreamStatus', examples: [{ stream_id: id, status: 'paused', reason: 'An upgrade' }] },
);

export const VerificationBody = Type.Object(
  {
    stream_id: StreamId,
    state: Type.Optional(
      Type.String({
        pattern: '^[^\\u0000\\p{Cs}]*$',
        maxLength: 1_024,
        description: 'is returned in the verification event',
      }),
    ),
  },
  { ...closed, title: 'StreamVerification', examples: [{ stream_id: id, state: 'dGhlIHNlY29uZCB0cnk' }] },
);

type Supplied = Static<typeof StreamChangeBody>;

/** The properties of a request. An absent property is null. */
export function propertiesOf(body: Static<typeof NewStreamBody>): StreamProperties {
  return {
    delivery: deliveryOf(body.delivery),
    eventsRequested: body.events_requested ?? null,
    description: body.description ?? null,
  };
}

/** The properties that a request names. */
export function updateOf({ delivery, events_requested, description }: Supplied): Partial<StreamProperties> {
  return {
    ...(delivery && { delivery: deliveryOf(delivery) }),
    ...(events_requested && { eventsRequested: events_requested }),
    ...(description !== undefined && { description }),
  };
}

function deliveryOf({ endpoint_url, authorization_header }: Static<typeof Delivery>): StreamDelivery {
  return { url: endpoint_url, authorization: authorization_header ?? null };
}

export function toStream({ id, url, audience, stream }: Stream, issuer: string): Static<typeof StreamAnswer> {
  const { eventsRequested, description } = stream;
  return {
    stream_id: id,
    iss: issuer,
    aud: audience,
    delivery: { method: PUSH_DELIVERY, endpoint_url: url },
    events_supported: [...SUPPORTED_EVENTS],
    events_requested: [...eventsRequested],
    events_delivered: pickSupportedEvents(eventsRequested),
    min_verification_interval: VERIFICATION_INTERVAL / 1_000,
    ...(description !== null && { description }),
  };
}

export function toStatus({ id, state, stream }: Stream): Static<typeof StatusAnswer> {
  const { statusReason } = stream;
  return { stream_id: id, status: state, ...(statusReason !== null && { reason: statusReason }) };
}

/**
 * The name of a property that this service sets, and for which the request has a different value. Undefined if the
 * request has no such property.
 */
export function findContradiction(body: Supplied, current: Static<typeof StreamAnswer>): string | undefined {
  const names = Object.keys(repeated) as (keyof typeof repeated)[];
  return names.find((name) => body[name] !== undefined && !isSame(body[name], current[name]));
}

/** The order of events has no meaning. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((uri) => other.includes(uri));
}
