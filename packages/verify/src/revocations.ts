import { unexpectedStatus } from './errors.js';
import { readEvents, type StreamEvent } from './event-stream.js';
import { createSessionSet, isSessionId } from './session-set.js';
import { elapsedSince, type Instant, readClocks } from './time.js';

/** Milliseconds without a byte after which a connection is dead. The service sends a heartbeat every 15 seconds. */
const SILENCE = 40_000;
const CONNECT_TIMEOUT = 10_000;

/**
 * Milliseconds before the next connection, reduced by up to half at random. The pause doubles after each connection
 * that did not get ready, up to the maximum.
 */
const PAUSE = { first: 100, max: 5_000 };

/** Seconds by which clocks may differ. An ended session is kept this long after its last token has expired. */
const MARGIN = 60;

export interface RevocationOptions {
  readonly url: URL;
  readonly serviceKey: string;
  readonly maxSessions: number;
  readonly fetch: typeof fetch;
  readonly onError: (error: unknown) => void;
}

/** The sessions that have ended. */
export interface Revocations {
  hasEnded(sid: string): boolean;
  /**
   * Milliseconds since the set was last known to be complete; infinite before the first time, and while an event is
   * missing.
   */
  staleFor(): number;
  /** Whether the set covers tokens with this lifetime, in seconds. */
  covers(life: number): boolean;
  /** Resolves once the set is complete for the first time. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Follows the stream of revocations until `close`, over one connection after another. */
export function followRevocations(options: RevocationOptions): Revocations {
  const { onError, maxSessions } = options;
  const ended = createSessionSet(maxSessions);
  const closing = new AbortController();
  let completeAt: Instant | null = null;
  let longestLife = 0;
  let coveredLife = 0;
  let onReady = () => {};
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  void keepConnected();
  return {
    hasEnded: ended.has,
    staleFor: () => (completeAt === null ? Number.POSITIVE_INFINITY : elapsedSince(completeAt)),
    covers: (life) => life <= coveredLife,
    ready,
    close: () => closing.abort(),
  };

  async function keepConnected(): Promise<void> {
    let pause = PAUSE.first;
    while (!closing.signal.aborted) {
      const wasReady = await readOnce().catch((error: unknown) => {
        if (!closing.signal.aborted) onError(error);
        return false;
      });
      pause = wasReady ? PAUSE.first : Math.min(pause * 2, PAUSE.max);
      if (!closing.signal.aborted) await sleep(pause * (0.5 + Math.random() / 2), closing.signal);
    }
  }

  /** Reads one connection to its end. Returns whether the set became complete on this connection. */
  async function readOnce(): Promise<boolean> {
    const connection = connect(options, closing.signal);
    let isComplete = false;
    try {
      const body = await connection.open();
      await readEvents(body, {
        signal: connection.signal,
        onBytes() {
          connection.noteBytes();
          if (isComplete) completeAt = readClocks();
        },
        onEvent(event) {
          if (event.type === 'ready') {
            noteReady(event);
            isComplete = true;
            completeAt = readClocks();
            onReady();
          } else if (event.type === 'message') add(event);
        },
      });
    } catch (error) {
      if (!isComplete || closing.signal.aborted) throw error;
      onError(error);
    } finally {
      connection.close();
    }
    return isComplete;
  }

  function noteReady({ data }: StreamEvent): void {
    const { accessTokenAge } = JSON.parse(data) as { accessTokenAge: number };
    coveredLife = accessTokenAge;
    longestLife = Math.max(longestLife, accessTokenAge);
  }

  /** Adds an ended session. Throws if there is no room for it: the set is then incomplete, and the connection ends. */
  function add({ data }: StreamEvent): void {
    const { sid, revokedAt } = JSON.parse(data) as { sid: unknown; revokedAt: string };
    const seconds = Math.floor(Date.parse(revokedAt) / 1000);
    if (longestLife > 0) ended.dropBefore(Math.floor(Date.now() / 1000) - longestLife - MARGIN);
    if (isSessionId(sid) && seconds > 0 && ended.add(sid, seconds)) return;
    completeAt = null;
    throw new Error(
      ended.size() < maxSessions
        ? 'The stream of revocations has an event that is not as documented.'
        : `More than ${maxSessions} sessions have ended: raise maxSessions.`,
    );
  }
}

/** Opens one connection. It ends when no byte has arrived for too long. */
function connect({ url, serviceKey, fetch }: RevocationOptions, closing: AbortSignal) {
  const lost = new AbortController();
  let heardAt = readClocks();
  let limit = CONNECT_TIMEOUT;
  const onClose = () => lost.abort(closing.reason);
  closing.addEventListener('abort', onClose, { once: true });
  const watch = setInterval(() => {
    if (elapsedSince(heardAt) > limit) lost.abort(new Error('The stream of revocations is silent.'));
  }, 1_000);
  return {
    signal: lost.signal,
    async open(): Promise<ReadableStream<Uint8Array>> {
      const headers = { accept: 'text/event-stream', 'x-api-key': serviceKey };
      const response = await fetch(url, { headers, redirect: 'error', signal: lost.signal });
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        throw unexpectedStatus('The stream of revocations', response.status, 'verify');
      }
      limit = SILENCE;
      return response.body;
    },
    noteBytes() {
      heardAt = readClocks();
    },
    close() {
      clearInterval(watch);
      closing.removeEventListener('abort', onClose);
      lost.abort();
    },
  };
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
