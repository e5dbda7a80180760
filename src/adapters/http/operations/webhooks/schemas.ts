import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { DELIVERY_FORMATS, DISABLED_REASONS, type WebhookEndpoint } from '../../../../domain/webhooks.ts';
import type { StoredDelivery } from '../../../../ports/stores/webhook-deliveries.ts';
import { examples } from '../../server/examples.ts';
import { closed, count, longText, nextCursor, oneOf } from '../../server/field-schemas.ts';
import { Text, Time, Uuid } from '../../server/schemas.ts';

const Url = Type.String({
  pattern: '^https?://[\\x21-\\x7e]+$',
  maxLength: 2_048,
  description: 'where events are sent, by POST. https; http only to a network in WEBHOOKS_ALLOW_PRIVATE',
});

const Types = Type.Array(Type.String({ pattern: '^[a-z_.*]+$', maxLength: 64 }), {
  minItems: 1,
  maxItems: 50,
  description: 'types of events; `sessions.*` is a group, `*` is everything',
});

const Contact = Type.String({
  maxLength: 254,
  description: 'the mail address that gets a message when the service disables the endpoint',
});

const format = oneOf(DELIVERY_FORMATS, {
  description:
    '`webhook`: CloudEvents with signatures of Standard Webhooks. `set`: Security Event Tokens. `logout-token`: OpenID Connect back-channel logout',
});

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const url = 'https://hooks.example.com/kinship';
const types = ['sessions.*', 'users.deleted'];
const endpointId = '5b7f6c02-5a3e-4f5e-8f0a-0f4f3b1d9c11';
const eventId = '0b7c9a52-6d6e-4d0e-9f0b-1c9c4f6f5c55';
const secret = 'whsec_…';

export const NewEndpointBody = Type.Object(
  {
    url: Url,
    types: Types,
    enabled: Type.Optional(Type.Boolean({ description: 'default: true' })),
    contact: Type.Optional(Contact),
    format: Type.Optional(format),
    audience: Type.Optional(
      Type.String({
        ...Text,
        minLength: 1,
        maxLength: 255,
        description: 'the `aud` of tokens; not for `webhook`',
      }),
    ),
  },
  { ...closed, title: 'NewWebhook', examples: [{ url, types }] },
);

export const EndpointChangeBody = Type.Object(
  {
    url: Type.Optional(Url),
    types: Type.Optional(Types),
    enabled: Type.Optional(Type.Boolean()),
    contact: Type.Optional(nullable(Contact)),
  },
  { ...closed, title: 'WebhookChange', examples: [{ enabled: false }] },
);

const endpoint = {
  id: Uuid,
  url: longText(),
  types: Type.Array(longText(), { maxItems: 100 }),
  format,
  audience: Type.Optional(longText()),
  contact: Type.Optional(longText()),
  receiver: Type.Optional(
    longText({ description: 'the name of the service key whose Shared Signals stream this is' }),
  ),
  state: oneOf(['enabled', 'paused', 'disabled']),
  disabledBecause: Type.Optional(
    oneOf(DISABLED_REASONS, {
      description:
        '`receiver`: the receiver of the stream disabled it. `gone`: it answered 410. `dead`: every delivery failed for five days',
    }),
  ),
  failingSince: Type.Optional(Time),
  declared: Type.Optional(
    Type.Boolean({
      description: 'true for an endpoint of WEBHOOKS_FILE. Only its state can be changed by the API',
    }),
  ),
  createdAt: Time,
};

const example = { id: endpointId, url, types, format: 'webhook', state: 'enabled', createdAt: examples.time };
export const Endpoint = Type.Object(endpoint, { ...closed, title: 'Webhook', examples: [example] });

export const AddedEndpoint = Type.Object(
  {
    ...endpoint,
    secret: Type.Optional(
      longText({
        description:
          'verifies the signatures. No other answer contains it. Absent for endpoints that get tokens',
      }),
    ),
  },
  { ...closed, title: 'AddedWebhook', examples: [{ ...example, secret }] },
);

export const EndpointList = Type.Object(
  { items: Type.Array(Endpoint, { maxItems: 100 }) },
  { ...closed, title: 'WebhookList', examples: [{ items: [example] }] },
);

export const RotatedSecret = Type.Object(
  {
    secret: longText({ description: 'the new secret. No other answer contains it' }),
    formerSignsUntil: Time,
  },
  { ...closed, title: 'RotatedWebhookSecret', examples: [{ secret, formerSignsUntil: examples.time }] },
);

const Attempt = Type.Object(
  {
    at: Time,
    milliseconds: count(),
    status: Type.Optional(
      count({ description: 'the HTTP status of the answer; absent if the endpoint did not answer' }),
    ),
    reason: Type.Optional(longText({ description: 'why the attempt failed' })),
  },
  closed,
);

export const DeliveryList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          eventId: Uuid,
          type: longText(),
          occurredAt: Time,
          state: oneOf(['pending', 'delivered', 'failed'], {
            description: '`failed`: no further attempt is made, unless the event is sent again',
          }),
          nextAttemptAt: Type.Optional(Time),
          attempts: Type.Array(Attempt, { maxItems: 30, description: 'oldest first' }),
        },
        closed,
      ),
      { maxItems: 100 },
    ),
    nextCursor,
  },
  {
    ...closed,
    title: 'WebhookDeliveries',
    examples: [
      {
        items: [
          {
            eventId,
            type: 'sessions.revoked',
            occurredAt: examples.time,
            state: 'delivered',
            attempts: [{ at: examples.time, milliseconds: 12, status: 204 }],
          },
        ],
      },
    ],
  },
);

export const PeriodBody = Type.Object(
  {
    from: Type.String({ format: 'date-time', maxLength: 35 }),
    to: Type.String({ format: 'date-time', maxLength: 35 }),
    onlyFailed: Type.Optional(Type.Boolean({ description: 'default: false' })),
  },
  {
    ...closed,
    title: 'WebhookSpan',
    description: 'the events from `from` (inclusive) to `to` (exclusive)',
    examples: [{ from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z', onlyFailed: true }],
  },
);

export const SentAgain = Type.Object(
  {
    count: count(),
    more: Type.Boolean({ description: 'whether the period may have further events' }),
    next: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: 35,
        description: 'the value of `from` for the next request; absent if there are no further events',
      }),
    ),
  },
  { ...closed, title: 'WebhooksSentAgain', examples: [{ count: 17, more: false }] },
);

export function toEndpoint(stored: WebhookEndpoint): Static<typeof Endpoint> {
  const { id, url, types, format, audience, contact, owner, state, disabledBecause, failingSince, declared } =
    stored;
  return {
    id,
    url,
    types: [...types],
    format,
    state,
    createdAt: timeOf(stored.createdAt),
    ...(audience !== null && { audience }),
    ...(contact !== null && { contact }),
    ...(owner !== null && { receiver: owner }),
    ...(disabledBecause !== null && { disabledBecause }),
    ...(declared && { declared }),
    ...(failingSince !== null && { failingSince: timeOf(failingSince) }),
  };
}

export function toDelivery({ event, state, dueAt, history }: StoredDelivery) {
  return {
    eventId: event.id,
    type: event.type,
    occurredAt: timeOf(event.occurredAt),
    state,
    ...(state === 'pending' && { nextAttemptAt: timeOf(dueAt) }),
    attempts: history.map(({ at, milliseconds, status, reason }) => ({
      at: timeOf(at),
      milliseconds,
      ...(status !== null && { status }),
      ...(reason !== null && { reason }),
    })),
  };
}

export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
