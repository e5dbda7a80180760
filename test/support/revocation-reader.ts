import type { Test } from 'tap';

/** A reader of `GET /revocations`. Its connection ends with the test. */
export async function readRevocations(t: Pick<Test, 'teardown'>, url: string, key: string) {
  const connection = new AbortController();
  const response = await fetch(new URL('/revocations', url), {
    headers: { 'x-api-key': key },
    signal: connection.signal,
  });
  const events: string[] = [];
  let onEvent = () => {};
  const closed = read();
  t.teardown(async () => {
    connection.abort();
    await closed;
  });
  return {
    status: response.status,
    headers: response.headers,
    /** The events and comments so far, without the empty lines between them. */
    events,
    /** Resolves once an event that `isWanted` accepts has arrived. */
    async until(isWanted: (event: string) => boolean): Promise<void> {
      while (!events.some(isWanted))
        await new Promise<void>((resolve) => {
          onEvent = resolve;
        });
    },
    /** Resolves with `ended` after the end of the stream, and with `cut` if the connection was lost. */
    closed,
    disconnect: () => connection.abort(),
  };

  async function read(): Promise<'ended' | 'cut'> {
    let rest = '';
    try {
      for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(
        new TextDecoderStream(),
      )) {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop() ?? '';
        events.push(...parts);
        onEvent();
      }
      return 'ended';
    } catch {
      return 'cut';
    }
  }
}

export const isReady = (event: string) => event.startsWith('event: ready\n');

export const isAbout = (sid: string) => (event: string) => event.startsWith(`data: {"sid":"${sid}",`);
