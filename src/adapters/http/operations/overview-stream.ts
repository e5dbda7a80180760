import { Readable } from 'node:stream';

/** Milliseconds between two events. */
const PAUSE = 5_000;

/** Milliseconds until the stream ends. The reader then connects again, and is authenticated again. */
const LONGEST = 60_000;

interface SampledOverview {
  readonly samples: readonly { readonly at: string }[];
}

interface Options<Overview extends SampledOverview> {
  readonly read: () => Promise<Overview>;
  onFailed(error: unknown): void;
  /** Called once, when the stream ends in any way. */
  onClose(): void;
}

export interface OverviewStream {
  readonly body: Readable;
  close(): void;
}

/**
 * Server-sent events: first the whole overview, then the overview with newer samples only. A slow reader misses events.
 */
export function createOverviewStream<Overview extends SampledOverview>({
  read,
  onFailed,
  onClose,
}: Options<Overview>): OverviewStream {
  let sentUntil = '';
  let hasEnded = false;
  const body = new Readable({
    read() {},
    destroy(error, done) {
      hasEnded = true;
      clearInterval(events);
      clearTimeout(end);
      onClose();
      done(error);
    },
  });
  const events = setInterval(() => void send(), PAUSE);
  const end = setTimeout(close, LONGEST);
  body.push('retry: 1000\n\n');
  void send();
  return { body, close };

  async function send(): Promise<void> {
    if (body.readableLength > body.readableHighWaterMark) return;
    const overview = await read().catch(onFailed);
    if (overview === undefined || hasEnded) return;
    const samples = overview.samples.filter(({ at }) => at > sentUntil);
    sentUntil = samples.at(-1)?.at ?? sentUntil;
    body.push(`data: ${JSON.stringify({ ...overview, samples })}\n\n`);
  }

  function close(): void {
    if (hasEnded) return;
    hasEnded = true;
    clearInterval(events);
    // A reader with a backlog could delay the end without limit.
    if (body.readableLength > 0) body.destroy();
    else body.push(null);
  }
}
