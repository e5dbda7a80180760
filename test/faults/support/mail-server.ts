import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Test } from 'tap';
import { freePort } from '../../support/ports.ts';

/**
 * `absent`: does not listen. `silent`: accepts connections and sends no greeting. A number: the reply to
 * every MAIL FROM.
 */
export type MailServerState = 'well' | 'absent' | 'silent' | 451 | 550;

/** A mail server on its own port, at first `absent`. It records the ids of accepted mails. */
export async function createMailServer(t: Pick<Test, 'teardown'>) {
  const port = await freePort();
  const received: string[] = [];
  let state: MailServerState = 'absent';
  let connections = 0;
  let server: SMTPServer | null = null;

  const listen = async () => {
    server = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      closeTimeout: 50,
      onConnect(_session, callback) {
        connections += 1;
        if (state !== 'silent') callback();
      },
      onMailFrom(_address, _session, callback) {
        if (typeof state === 'number') callback(Object.assign(new Error('not now'), { responseCode: state }));
        else callback();
      },
      async onData(stream, _session: SMTPServerSession, callback) {
        const message = await text(stream);
        received.push(/^message-id: <([^@]+)@/im.exec(message)?.[1] ?? message);
        callback();
      },
    });
    server.on('error', () => {}); // clients that disconnect without QUIT
    await once(server.listen(port, '127.0.0.1'), 'listening');
  };
  const close = async () => {
    const closing = server;
    server = null;
    if (closing) await new Promise<void>((resolve) => closing.close(() => resolve()));
  };
  t.teardown(close);

  return {
    port,
    /** The ids of the accepted mails, in order. */
    received,
    connections: () => connections,
    async setState(next: MailServerState) {
      state = next;
      if (next === 'absent') await close();
      else if (server === null) await listen();
    },
  };
}
