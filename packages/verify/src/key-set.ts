import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { unavailable } from './errors.js';
import { describeCause } from './log-text.js';
import { elapsedSince, type Instant, readClocks } from './time.js';

/** All times are in milliseconds. */
const TIMEOUT = 5_000;
/** The time from a fetch to the next one for an unknown `kid`. Anyone can send a token with an unknown `kid`. */
const COOLDOWN = 10_000;
/**
 * The time from a failed fetch to the next one. Until then, a request without a usable key gets the error of the failed
 * fetch. Also the minimum of `max-age`: with 0, each request would fetch the keys.
 */
const RETRY = 1_000;
/** For this time after a failed fetch, no request waits for the next fetch if it can use the old set. */
const OUTAGE = 10_000;
/** The age of a set from which on it is not used, even if the service cannot be reached. */
const MAX_STALE = 3_600_000;
const DEFAULT_MAX_AGE = 300_000;

interface Fetched {
  readonly find: JWTVerifyGetKey;
  readonly at: Instant;
  readonly maxAge: number;
}

/**
 * Returns a function that finds a published key. The keys are fetched again after the `max-age` of their answer, and
 * for an unknown `kid`. Concurrent callers share one fetch.
 */
export function createKeySet(url: URL, fetch: typeof globalThis.fetch): JWTVerifyGetKey {
  let current: Fetched | null = null;
  let loading: Promise<Fetched> | null = null;
  let failure: { readonly at: Instant; readonly error: unknown } | null = null;

  return async (header, token) => {
    const set = await currentSet();
    try {
      return await set.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || elapsedSince(set.at) < COOLDOWN) throw error;
      return (await load()).find(header, token);
    }
  };

  async function currentSet(): Promise<Fetched> {
    if (current === null) return load();
    const age = elapsedSince(current.at);
    if (age < current.maxAge) return current;
    const old = current;
    const next = load();
    if (age >= MAX_STALE) return next;
    const loaded = next.catch(() => old);
    return failure !== null && elapsedSince(failure.at) < OUTAGE ? old : loaded;
  }

  async function load(): Promise<Fetched> {
    if (loading === null && failure !== null && elapsedSince(failure.at) < RETRY) throw failure.error;
    loading ??= fetchSet().finally(() => {
      loading = null;
    });
    return loading;
  }

  async function fetchSet(): Promise<Fetched> {
    try {
      const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
      if (response.status !== 200) throw new Error(`The keys are answered with ${response.status}.`);
      const find = createLocalJWKSet((await response.json()) as JSONWebKeySet);
      current = { find, at: readClocks(), maxAge: maxAgeOf(response) };
      failure = null;
      return current;
    } catch (cause) {
      const error = unavailable('The published keys cannot be fetched at the moment.', {
        cause,
        reason: `The published keys cannot be fetched from ${url.href}${describeCause(cause)}.`,
        setting: 'url',
      });
      failure = { at: readClocks(), error };
      throw error;
    }
  }
}

/** Milliseconds, at least a second and at most an hour. */
function maxAgeOf({ headers }: Response): number {
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(headers.get('cache-control') ?? '') ?? [];
  if (seconds === undefined) return DEFAULT_MAX_AGE;
  return Math.min(Math.max(Number(seconds) * 1_000, RETRY), MAX_STALE);
}
