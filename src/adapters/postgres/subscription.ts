import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectToListen, type Sql, type UrlAddress } from './connect.ts';
import { reconnect } from './reconnecting-pool.ts';
import { type Revocation, readRevocation } from './revocations.ts';

const CHANNEL = 'kinship_revoked';

/** Milliseconds between two questions whether the connection lives, and how many may stay unanswered. */
const BEAT = 1_000;
const UNANSWERED = 2;

/** Milliseconds until a connection that died without a word is known to be dead, at the latest. */
export const SILENCE = BEAT * (UNANSWERED + 1);

/** Milliseconds that each step may take: to connect and listen, to hear a notification of our own, to load. */
const CONNECT = 4_000;
const PROBE = 3_000;
const LOAD = 15_000;

interface Options {
  readonly address: UrlAddress;
  readonly pool: Sql;
  /** Loads what was sent before; called once the connection listens. */
  load(connection: Sql): Promise<void>;
  take(revocation: Revocation): void;
  onComplete(): void;
  /** Called at once when the connection is known to be gone, or has not come to listen. */
  onLost(): void;
  readonly stop: AbortSignal;
}

/**
 * One subscription, from its connection to its end; resolves then, with the reason, and never rejects. Listening
 * starts before loading and both use one connection, so that nothing is missed between them.
 */
export async function subscribe({ address, pool, load, take, onComplete, onLost, stop }: Options) {
  const over = new AbortController();
  const end = (reason: unknown) => {
    // The driver tells of a close again and again, and of an abandoned connection long after its end.
    if (over.signal.aborted) return;
    onLost();
    over.abort(reason);
  };
  const probe = probeOf(pool);
  const connection = connectToListen(address, {
    onnotify(_channel, payload) {
      probe.hear(payload);
      const revocation = readRevocation(payload);
      if (revocation !== null) take(revocation);
    },
    onclose: () => end(new Error('The connection that listens was closed.')),
  });
  const onStop = () => end(stop.reason);
  stop.addEventListener('abort', onStop);

  setUp().catch(end);
  await aborted(over.signal);
  stop.removeEventListener('abort', onStop);
  await connection.end({ timeout: 0 });
  return over.signal.reason as unknown;

  async function setUp(): Promise<void> {
    await inTime(CONNECT, 'To listen', connection`listen ${connection(CHANNEL)}`);
    await inTime(PROBE, 'A notification (is there a pooler in front of the database?)', probe.comesThrough());
    await inTime(LOAD, 'To load', load(connection));
    if (over.signal.aborted) return;
    onComplete();
    watch(connection, over.signal, { onLost: end, onSilent });
  }

  /** The connections of the pool lead to the same machine, and have nobody who asks whether it is there. */
  function onSilent(): void {
    reconnect(pool);
    end(new Error('The connection that listens does not answer.'));
  }
}

/**
 * Sees that a notification of another connection arrives: a pooler in between may well accept a LISTEN and then
 * deliver nothing.
 */
function probeOf(pool: Sql) {
  const id = randomUUID();
  let hear = (_payload: string) => {};
  const heard = new Promise<void>((resolve) => {
    hear = (payload) => {
      if (payload === id) resolve();
    };
  });
  return {
    hear,
    async comesThrough(): Promise<void> {
      await pool`select pg_notify(${CHANNEL}, ${id})`;
      await heard;
    },
  };
}

/** Counts questions rather than time: a process that was held up itself must not blame the connection. */
function watch(
  connection: Sql,
  over: AbortSignal,
  { onLost, onSilent }: { onLost(reason: unknown): void; onSilent(): void },
): void {
  let unanswered = 0;
  const beats = setInterval(() => {
    if (unanswered === UNANSWERED) return onSilent();
    unanswered += 1;
    connection`select 1`.then(() => {
      unanswered = 0;
    }, onLost);
  }, BEAT);
  over.addEventListener('abort', () => clearInterval(beats), { once: true });
}

/** Rejects when the work has taken so many milliseconds. What it does after that concerns nobody. */
async function inTime<T>(limit: number, what: string, work: PromiseLike<T>): Promise<T> {
  const settled = new AbortController();
  const late = delay(limit, undefined, { signal: settled.signal, ref: false }).then(() => {
    throw new Error(`${what} took more than ${limit} ms.`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
