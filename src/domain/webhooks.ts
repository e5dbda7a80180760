import { DAY, HOUR, MINUTE, SECOND } from './durations.ts';
import { EVENT_TYPES, type EventType, PUBLISHED } from './events.ts';

/** The forms in which endpoints get events: CloudEvents, Security Event Tokens, or back-channel logout tokens. */
export const DELIVERY_FORMATS = ['webhook', 'set', 'logout-token'] as const;

export type DeliveryFormat = (typeof DELIVERY_FORMATS)[number];

/** `paused`: deliveries are kept and wait. `disabled`: new events are not kept. */
export type EndpointState = 'enabled' | 'paused' | 'disabled';

/**
 * `receiver`: the receiver of a stream disabled it. `gone`: the endpoint answered 410. `dead`: a delivery failed at
 * least {@link DEAD_AFTER} ago, and none has succeeded since.
 */
export const DISABLED_REASONS = ['operator', 'receiver', 'gone', 'dead'] as const;

export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** The settings of a Shared Signals stream, in addition to those of its endpoint. */
export interface StreamSettings {
  readonly description: string | null;
  /** The event URIs that the receiver asked for. */
  readonly eventsRequested: readonly string[];
  /** Why the stream has its state: the words of the receiver or of this service. Null: no reason was given. */
  readonly statusReason: string | null;
}

/** An endpoint of another system. Times in milliseconds. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  /** Types and patterns: see {@link wantsType}. */
  readonly types: readonly string[];
  readonly format: DeliveryFormat;
  /** The `aud` of its tokens; null for the format `webhook`. */
  readonly audience: string | null;
  /** The address that gets a mail when the service disables the endpoint; null without one. */
  readonly contact: string | null;
  /** The name of the service key whose stream this is; null: operators manage it. */
  readonly owner: string | null;
  readonly stream: StreamSettings | null;
  readonly state: EndpointState;
  readonly disabledBecause: DisabledReason | null;
  readonly createdAt: number;
  /** The first failure since the last success; null while deliveries succeed. */
  readonly failingSince: number | null;
  /** Sealed under DATA_ENCRYPTION_KEY; null where the format needs none. */
  readonly sealedCredentials: string | null;
  /** Whether WEBHOOKS_FILE declares it. Then requests can change only its state, and the rest changes in the file. */
  readonly declared: boolean;
}

/** An endpoint of WEBHOOKS_FILE. */
export interface DeclaredEndpoint
  extends Pick<WebhookEndpoint, 'id' | 'url' | 'types' | 'format' | 'audience' | 'contact'> {
  readonly enabled: boolean;
  /** Signs deliveries; null where the format has none. */
  readonly secret: string | null;
}

/** The maximum number of endpoints in total, so that one event causes a bounded number of rows. */
export const MAX_ENDPOINTS = 100;

/** The maximum number of streams of one service key. */
export const MAX_STREAMS = 10;

/** How long deliveries are kept, so that they can be listed and sent again. */
export const DELIVERIES_KEPT = 7 * DAY;

/** Milliseconds of failures without a success after which an endpoint is disabled. */
export const DEAD_AFTER = 5 * DAY;

/** How long a former secret still signs, beside the current one. */
export const FORMER_SECRET_AGE = DAY;

/** The longest pause that `Retry-After` causes. */
const MAX_RETRY_AFTER = DAY;

/** The waits after each failed attempt. Together they are about three days. */
const WAITS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  DAY,
];

/** The number of latest attempts that are kept for each delivery, also when an operator sends the delivery again. */
export const HISTORY_KEPT = 30;

/** One attempt to deliver. `status` is null where no answer came; `reason` is null after a success. */
export interface DeliveryAttemptRecord {
  readonly at: number;
  readonly milliseconds: number;
  readonly status: number | null;
  readonly reason: string | null;
}

/** `failed`: no further attempt is made, unless an operator sends the delivery again. */
export type DeliveryState = 'pending' | 'delivered' | 'failed';

export interface DeliveryVerdict {
  readonly state: DeliveryState;
  /** When the next attempt is due, while the delivery is pending. */
  readonly dueAt: number;
  /** The endpoint gets no request before this time; null: it may get one now. */
  readonly heldUntil: number | null;
  /** Whether the endpoint wants no further requests. */
  readonly isGone: boolean;
}

interface DeliveryAttempt {
  /** 1 at the first attempt. */
  readonly attempt: number;
  /** Null where no answer came. */
  readonly status: number | null;
  /** Milliseconds that the answer asks to wait; null where it does not ask. */
  readonly retryAfter: number | null;
}

/** Decides what follows an attempt. `random` is in [0, 1): the wait varies by a tenth, so that retries spread. */
export function judgeDeliveryAttempt(
  { attempt, status, retryAfter }: DeliveryAttempt,
  now: number,
  random: number,
): DeliveryVerdict {
  const isGone = status === 410;
  const ended = { dueAt: now, heldUntil: null, isGone };
  if (status !== null && status >= 200 && status < 300) return { ...ended, state: 'delivered' };
  const wait = WAITS[attempt - 1];
  if (isGone || wait === undefined) return { ...ended, state: 'failed' };
  const held = retryAfter === null ? 0 : Math.min(Math.max(0, retryAfter), MAX_RETRY_AFTER);
  const spread = Math.round(wait * (0.95 + random / 10));
  return {
    state: 'pending',
    dueAt: now + Math.max(spread, held),
    heldUntil: held > 0 ? now + held : null,
    isGone: false,
  };
}

/**
 * Whether an endpoint with these patterns wants events of a type: by its name, by `*`, or by a group such as
 * `sessions.*`.
 */
export function wantsType(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === '*' || pattern === type) return true;
    return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
  });
}

/** Whether some published type matches the pattern. */
export function isKnownPattern(pattern: string): boolean {
  return publishedTypes().some((type) => wantsType([pattern], type));
}

/** The types that other systems can get. */
export function publishedTypes(): readonly EventType[] {
  return EVENT_TYPES.filter((type) => PUBLISHED[type]);
}
