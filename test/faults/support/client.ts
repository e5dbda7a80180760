import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { tokensIn } from '../../support/factors.ts';
import { claimsOf } from '../../support/forge.ts';
import { type Answer, post, RequestFailed } from './request.ts';

/** The current address of the service. */
export interface Target {
  url: string;
}

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** One request of a client and its outcome. It was sent at `at`, a time of `performance.now()`. */
export type Attempt = {
  readonly generation: number;
  readonly key: string;
  readonly at: number;
  readonly ms: number;
} & (
  | { readonly outcome: 'ok'; readonly pair: Pair }
  | { readonly outcome: 'refused' | 'unknown'; readonly why: string }
);

export interface Client {
  readonly tokenFamily: string;
  readonly userId: string;
  /** Every request so far. */
  readonly history: readonly Attempt[];
  /** The last pair that the client received. */
  pair(): Pair;
  generation(): number;
  /** Whether the client waits for the outcome of a rotation. */
  isInDoubt(): boolean;
  /** The refusal that logged the client out; null if it is logged in. */
  logoutReason(): string | null;
  /**
   * Refreshes with a new `Idempotency-Key`. Retries with that key until the answer is the next pair or a
   * refusal. A refusal logs the client out.
   */
  rotate(headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Repeats the last successful refresh with its key. */
  repeat(): Promise<void>;
}

const PAUSE_BEFORE_RETRY = 50;
const ANSWER_DEADLINE = 60_000;

/** Logs a user in and keeps the history of the session. */
export async function openClient(
  target: Target,
  agent: Agent,
  query: Readonly<Record<string, string>> = {},
): Promise<Client> {
  const parameters = new URLSearchParams({ userId: randomUUID(), ...query });
  const answer = await post(agent, new URL(`/auth/login?${parameters}`, target.url));
  if (answer.status !== 200) throw new Error(`no login: ${JSON.stringify(answer)}`);
  const first = tokensIn(answer.body);
  const { tokenFamily, sub } = claimsOf(first.refresh) as { tokenFamily: string; sub: string };

  const history: Attempt[] = [];
  let current = first;
  let last = { pair: first, key: '' };
  let inDoubt = false;
  let refusal: string | null = null;

  async function ask(pair: Pair, key: string, headers: Readonly<Record<string, string>> = {}) {
    const at = performance.now();
    const outcome = await refreshOnce(target, agent, pair, { ...headers, 'idempotency-key': key });
    const ms = performance.now() - at;
    const attempt: Attempt = { generation: generationOf(pair), key, at, ms, ...outcome };
    history.push(attempt);
    return attempt;
  }

  return {
    tokenFamily,
    userId: sub,
    history,
    pair: () => current,
    generation: () => generationOf(current),
    isInDoubt: () => inDoubt,
    logoutReason: () => refusal,

    async rotate(headers) {
      const key = randomUUID();
      const deadline = Date.now() + ANSWER_DEADLINE;
      inDoubt = true;
      for (;;) {
        const attempt = await ask(current, key, headers);
        if (attempt.outcome === 'ok') {
          last = { pair: current, key };
          current = attempt.pair;
          break;
        }
        if (attempt.outcome === 'refused') {
          refusal = attempt.why;
          break;
        }
        if (Date.now() > deadline) throw new Error(`no answer in ${ANSWER_DEADLINE} ms: ${attempt.why}`);
        await delay(PAUSE_BEFORE_RETRY);
      }
      inDoubt = false;
    },

    async repeat() {
      if (last.key === '') return;
      const attempt = await ask(last.pair, last.key);
      if (attempt.outcome === 'refused') refusal = attempt.why;
    },
  };
}

/**
 * Sends one refresh. The outcome is unknown if no answer comes, for a 503 as documented, and for a 502 of the
 * balancer.
 */
async function refreshOnce(target: Target, agent: Agent, pair: Pair, headers: Record<string, string>) {
  try {
    const body = { refreshToken: pair.refresh, accessToken: pair.access };
    const answer = await post(agent, new URL('/auth/refresh', target.url), body, headers);
    if (answer.status === 200) return { outcome: 'ok', pair: tokensIn(answer.body) } as const;
    const why = `${answer.status} ${String(answer.body.code)}`;
    return isRetryLater(answer)
      ? ({ outcome: 'unknown', why } as const)
      : ({ outcome: 'refused', why } as const);
  } catch (error) {
    if (error instanceof RequestFailed) return { outcome: 'unknown', why: error.message } as const;
    throw error;
  }
}

function isRetryLater({ status, retryAfter, body }: Answer): boolean {
  if (status === 502) return true;
  return status === 503 && Number(retryAfter) > 0 && body.code === 'unavailable' && body.recovery === 'retry';
}

export function generationOf({ refresh }: Pair): number {
  return Number(claimsOf(refresh).generation);
}
