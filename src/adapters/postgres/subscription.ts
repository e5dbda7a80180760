import { randomUUID } from 'node:crypto';
import { withDeadline } from '../../lib/time.ts';
import { connectToListen, type Sql, type UrlAddress } from './connect.ts';
import { execute, isUnanswered } from './execute.ts';
import { reconnect } from './reconnecting-pool.ts';
import { type Revocation, readRevocation } from './revocations.ts';

const CHANNEL = 'kinship_revoked';

/** Milliseconds between two heartbeats. */
const HEARTBEAT_INTERVAL = 1_000;

/** A connection is dead if this many heartbeats are unanswered when the next one is due. */
const MAX_UNANSWERED = 2;

/** Maximum milliseconds until a dead connection that was not closed is detected. */
export const DETECTION_TIME = HEARTBEAT_INTERVAL * (MAX_UNANSWERED + 1);

/** Milliseconds for each step of a subscription. */
const LISTEN_TIMEOUT = 4_000;
const PROBE_TIMEOUT = 3_000;
const LOAD_TIMEOUT = 15_000;

interface Options {
  readonly address: UrlAddress;
  readonly pool: Sql;
  /** Loads earlier revocations. Called when the connection listens. */
  load(connection: Sql): Promise<void>;
  onRevocation(revocation: Revocation): void;
  onComplete(): void;
  /** Called at once when the connection is lost or a step of the subscription fails. */
  onLost(): void;
  readonly stop: AbortSignal;
}

/**
 * Subscribes to revocations on a connection of its own. Resolves with the reason when the subscription ends, and never
 * rejects. The connection listens before it loads, so no revocation between the two is lost.
 */
export async function subscribe({ address, pool, load, onRevocation, onComplete, onLost, stop }: Options) {
  const closing = new AbortController();
  const end = (reason: unknown) => {
    // The driver reports a close repeatedly, also after the end of the connection.
    if (closing.signal.aborted) return;
    onLost();
    closing.abort(reason);
  };
  const probe = createProbe(pool);
  const connection = connectToListen(address, {
    onnotify(_channel, payload) {
      probe.receive(payload);
      const revocation = readRevocation(payload);
      if (revocation !== null) onRevocation(revocation);
    },
    onclose: () => end(new Error('The listening connection was closed.')),
  });
  const onStop = () => end(stop.reason);
  stop.addEventListener('abort', onStop);

  setUp().catch(end);
  await waitForAbort(closing.signal);
  stop.removeEventListener('abort', onStop);
  await connection.end({ timeout: 0 });
  return closing.signal.reason as unknown;

  async function setUp(): Promise<void> {
    await runStep(LISTEN_TIMEOUT, 'LISTEN', connection`listen ${connection(CHANNEL)}`);
    await notify();
    await runStep(
      PROBE_TIMEOUT,
      'A notification (is a pooler in transaction mode before the database?)',
      probe.received,
    );
    await runStep(LOAD_TIMEOUT, 'The load of the revocations', load(connection));
    if (closing.signal.aborted) return;
    onComplete();
    startHeartbeat(connection, closing.signal, { onFailure: end, onUnanswered });
  }

  /** Replaces a pool that does not answer. Its connections may be dead although a new connection can listen. */
  async function notify(): Promise<void> {
    try {
      await probe.send();
    } catch (error) {
      if (isUnanswered(error)) reconnect(pool);
      throw error;
    }
  }

  /** Also replaces the pool, which has no heartbeat: its connections lead to the same host. */
  function onUnanswered(): void {
    reconnect(pool);
    end(new Error('The listening connection does not answer.'));
  }
}

/**
 * Creates a check that a notification of another connection arrives. A pooler may accept LISTEN and deliver nothing.
 */
function createProbe(pool: Sql) {
  const id = randomUUID();
  let receive = (_payload: string) => {};
  const received = new Promise<void>((resolve) => {
    receive = (payload) => {
      if (payload === id) resolve();
    };
  });
  return {
    receive,
    received,
    async send(): Promise<void> {
      await execute(pool`select pg_notify(${CHANNEL}, ${id})`);
    },
  };
}

/** Counts heartbeats and not time. Otherwise a process that was suspended would declare its connection dead. */
function startHeartbeat(
  connection: Sql,
  closed: AbortSignal,
  { onFailure, onUnanswered }: { onFailure(reason: unknown): void; onUnanswered(): void },
): void {
  let unanswered = 0;
  const heartbeats = setInterval(() => {
    if (unanswered === MAX_UNANSWERED) return onUnanswered();
    unanswered += 1;
    connection`select 1`.then(() => {
      unanswered = 0;
    }, onFailure);
  }, HEARTBEAT_INTERVAL);
  closed.addEventListener('abort', () => clearInterval(heartbeats), { once: true });
}

function runStep<T>(limit: number, step: string, work: PromiseLike<T>): Promise<T> {
  return withDeadline(limit, work, () => new Error(`${step} took more than ${limit} ms.`));
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
