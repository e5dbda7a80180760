import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Test } from 'tap';

export const PLAIN: SMTPServerOptions = {
  disabledCommands: ['STARTTLS', 'AUTH'],
  disableReverseLookup: true,
};

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly message: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

/** A mail server that records what it accepts. `options` override its behaviour. */
export async function serveMail(t: Pick<Test, 'teardown'>, options: SMTPServerOptions = PLAIN) {
  const received: Received[] = [];
  let connections = 0;
  const server = new SMTPServer({
    closeTimeout: 50,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          message: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: session.user?.toString(),
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // a client that rejects the certificate causes an error
  const listening = server.listen(0, '127.0.0.1');
  listening.on('connection', () => {
    connections += 1;
  });
  await once(listening, 'listening');
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = listening.address() as AddressInfo;
  return { port, received, connections: () => connections };
}
