/** An event of a stream of server-sent events. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
}

interface Options {
  readonly signal: AbortSignal;
  onBytes(): void;
  onEvent(event: StreamEvent): void;
}

/** The maximum number of characters of one event. */
const MAX_EVENT = 16 * 1024;

/**
 * Calls `onEvent` for each event of a body, and `onBytes` for each chunk, heartbeats included. Resolves at the end of
 * the body. Rejects if the connection is lost, if `signal` is aborted, or if an unfinished event is too long.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  { signal, onBytes, onEvent }: Options,
): Promise<void> {
  const reader = body.getReader();
  // A read that waits ends at once, whatever the platform's `fetch` does.
  signal.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true });
  const decoder = new TextDecoder();
  let rest = '';
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    onBytes();
    const blocks = (rest + decoder.decode(next.value, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT) throw new Error('An event of the stream of revocations is too long.');
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== null) onEvent(event);
    }
  }
  signal.throwIfAborted();
}

/** Parses one event. Null for a block without data, such as a heartbeat. */
function parseEvent(block: string): StreamEvent | null {
  const fields = new Map(
    block.split('\n').map((line) => {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
  const data = fields.get('data');
  return data === undefined ? null : { type: fields.get('event') ?? 'message', data };
}
