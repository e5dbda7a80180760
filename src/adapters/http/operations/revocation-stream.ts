import { Readable } from 'node:stream';
import type { EndedSession } from '../../../app/revocation/follow-revocations.ts';

/** Milliseconds between two heartbeats. */
const HEARTBEAT = 15_000;

/** Maximum bytes that wait for a slow reader, without the sessions that are sent at the start. */
const MAX_BACKLOG = 256 * 1024;

const TOO_SLOW = 'The reader of the stream of revocations is too slow.';

interface Options {
  /** The sessions that have ended already. The iterator may yield further sessions while the stream reads it. */
  readonly ended: Iterator<EndedSession>;
  /** Milliseconds. */
  readonly accessTokenAge: number;
  /** Called once, when the stream ends in any way. */
  onClose(): void;
}

export interface RevocationStream {
  readonly body: Readable;
  send(session: EndedSession): void;
  close(): void;
}

/**
 * Server-sent events: each session that has ended, then `ready`, then each session as it ends. The sessions before
 * `ready` are produced as the reader takes them. The stream is destroyed if the reader takes nothing between two
 * heartbeats. After `ready` it is also destroyed if the backlog is too large. The server logs the error.
 */
export function createRevocationStream({ ended, accessTokenAge, onClose }: Options): RevocationStream {
  let isReady = false;
  let hasRead = true;
  let isClosed = false;
  const body = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      hasRead = true;
      if (!isReady) pushEnded();
    },
    destroy(error, done) {
      clearInterval(heartbeats);
      onClose();
      done(error);
    },
  });
  const heartbeats = setInterval(() => {
    if (body.readableLength > 0 && !hasRead) return void body.destroy(new Error(TOO_SLOW));
    hasRead = false;
    if (isReady) push(': heartbeat\n\n');
  }, HEARTBEAT);

  return {
    body,
    send(session) {
      // Before `ready`, the iterator of ended sessions still yields this session.
      if (isReady) push(toEvent(session));
    },
    close() {
      isClosed = true;
      clearInterval(heartbeats);
      // A reader with a backlog could delay the end without limit.
      if (body.readableLength > 0) body.destroy();
      else body.push(null);
    },
  };

  function pushEnded(): void {
    for (let next = ended.next(); !next.done; next = ended.next())
      if (!body.push(toEvent(next.value))) return;
    isReady = true;
    body.push(`event: ready\ndata: ${JSON.stringify({ accessTokenAge: accessTokenAge / 1000 })}\n\n`);
  }

  function push(text: string): void {
    if (isClosed || body.destroyed) return;
    body.push(text);
    if (body.readableLength > MAX_BACKLOG) body.destroy(new Error(TOO_SLOW));
  }
}

function toEvent({ sid, revokedAt }: EndedSession): string {
  return `data: ${JSON.stringify({ sid, revokedAt: new Date(revokedAt).toISOString() })}\n\n`;
}
