import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Test } from 'tap';

/** Starts a proxy that records the answers of the target, including answers that never reach the client. */
export async function recordAnswers(
  t: Pick<Test, 'teardown'>,
  target: { readonly host: string; readonly port: number },
) {
  const transcripts: Buffer[][] = [];
  const server = createServer((client) => {
    const upstream = connect(target);
    const transcript: Buffer[] = [];
    transcripts.push(transcript);
    upstream.on('data', (bytes) => transcript.push(bytes));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    /** The body of the last answer on the connection that was opened last. */
    lastBody(): Record<string, unknown> {
      const bytes = Buffer.concat(transcripts.at(-1) ?? []).toString();
      return JSON.parse(bytes.slice(bytes.lastIndexOf('\r\n\r\n')));
    },
  };
}
