import { Refusal } from '../../domain/refusal.ts';
import {
  type DeliveryAttemptRecord,
  type DeliveryFormat,
  HISTORY_KEPT,
  judgeDeliveryAttempt,
  type WebhookEndpoint,
} from '../../domain/webhooks.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  RefusedTarget,
  SenderClosed,
  type WebhookAnswer,
  type WebhookSender,
} from '../../ports/delivery/webhook-sender.ts';
import type { ClaimedDelivery, DeliveryOutcome } from '../../ports/stores/webhook-deliveries.ts';
import type { WebhookOutcome } from '../../ports/telemetry.ts';
import type { Tracing } from '../../ports/tracing.ts';
import { reasonOf } from '../delivery/reason-of.ts';
import { withSpan } from '../with-span.ts';
import type { Credentials } from './credentials.ts';
import type { Format } from './formats/format.ts';

export interface AttemptDeps {
  readonly sender: Pick<WebhookSender, 'send'>;
  readonly formats: Readonly<Record<DeliveryFormat, Format>>;
  readonly tracing: Tracing | null;
  readonly clock: Clock;
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
}

/** An attempt whose result is known. */
export interface AttemptResult {
  readonly delivery: DeliveryOutcome;
  readonly telemetry: WebhookOutcome;
  readonly record: DeliveryAttemptRecord;
  readonly heldUntil: number | null;
  readonly isGone: boolean;
}

/** The number of characters of an answer that are kept to explain a failure. */
const EXCERPT = 200;

/**
 * Makes one attempt to deliver. Returns null if the service stopped during the attempt, so that its result is unknown.
 * Never rejects.
 */
export async function attemptDelivery(
  deps: AttemptDeps,
  endpoint: WebhookEndpoint,
  credentials: Credentials | Error,
  claimed: ClaimedDelivery,
): Promise<AttemptResult | null> {
  const { clock, random, tracing } = deps;
  const at = clock();
  const span = { name: `webhook ${claimed.event.type}`, kind: 'producer', parent: claimed.trace } as const;
  try {
    const answer = await withSpan(tracing, span, () => deliver());
    return conclude(answer, answer.status, retryAfterOf(answer.retryAfter, clock()));
  } catch (error) {
    if (error instanceof SenderClosed) return null;
    return conclude(error, null, null);
  }

  async function deliver(): Promise<WebhookAnswer> {
    if (credentials instanceof Error) throw credentials;
    const trace = tracing === null ? claimed.trace : tracing.current();
    const outgoing = { event: claimed.event, endpoint, credentials, trace, now: at };
    const request = await deps.formats[endpoint.format](outgoing);
    if (request === null) throw new Error(`the format ${endpoint.format} cannot carry ${claimed.event.type}`);
    return deps.sender.send({ url: endpoint.url, ...request });
  }

  function conclude(result: unknown, status: number | null, retryAfter: number | null): AttemptResult {
    const now = clock();
    const { attempt, history, event } = claimed;
    const verdict = judgeDeliveryAttempt({ attempt, status, retryAfter }, now, random());
    const { state, dueAt, heldUntil, isGone } = verdict;
    const reason = state === 'delivered' ? null : reasonFor(result);
    const record = { at, milliseconds: Math.max(0, now - at), status, reason };
    return {
      delivery: { eventId: event.id, state, dueAt, history: [...history, record].slice(-HISTORY_KEPT) },
      telemetry: outcomeOf(state, result),
      record,
      heldUntil,
      isGone,
    };
  }
}

function outcomeOf(state: DeliveryOutcome['state'], result: unknown): WebhookOutcome {
  if (state === 'delivered') return 'delivered';
  if (result instanceof RefusedTarget) return 'refused';
  return state === 'failed' ? 'exhausted' : 'postponed';
}

function reasonFor(result: unknown): string {
  if (isAnswer(result)) return reasonOf(`HTTP ${result.status} ${result.text.slice(0, EXCERPT)}`).trim();
  if (result instanceof RefusedTarget) return `refused: ${result.message}`;
  // If this service refused, the cause of the refusal tells the operator more than its message.
  return reasonOf(result instanceof Refusal ? (result.cause ?? result) : result);
}

function isAnswer(result: unknown): result is WebhookAnswer {
  return typeof result === 'object' && result !== null && 'status' in result && 'text' in result;
}

/**
 * The milliseconds that `Retry-After` asks to wait: a number of seconds, or a date (RFC 9110 section 10.2.3). Null
 * without a valid header.
 */
function retryAfterOf(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
