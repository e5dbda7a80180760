import { join } from 'node:path';
import { createFileMailer } from '../adapters/smtp/file-mailer.ts';
import { createSmtpMailer } from '../adapters/smtp/smtp-mailer.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { deliverMail } from '../app/delivery/deliver-mail.ts';
import { forgetOld } from '../app/delivery/forget.ts';
import { linkTo } from '../app/delivery/link-to.ts';
import { logEvents } from '../app/delivery/log-events.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Mailer } from '../ports/delivery/mailer.ts';
import type { LinkSecrets } from '../ports/security/link-secrets.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { Users } from '../ports/stores/users.ts';
import { type Background, every } from './every.ts';

/** Milliseconds between two looks into an empty outbox. */
const POLL = 1_000;
const HOUR = 3_600_000;

/** Captured mails of users whose address is not known are written all the same (RFC 2606: no such host). */
const NOBODY = 'unknown@example.invalid';

/** Empties the outbox in the background until stopped. */
export async function startDeliveries(
  { mail, dataDir, http }: Pick<Config, 'mail' | 'dataDir' | 'http'>,
  deps: {
    readonly outbox: Outbox;
    readonly users: Users;
    readonly links: LinkSecrets;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Promise<Background> {
  const { log, links } = deps;
  const publicUrl = http.publicUrl ?? `http://localhost:${http.port}`;
  const mailer = await openMailer(mail, dataDir, log);
  const toUsers = { random: Math.random, receiver: receiverOf(mail), linkTo: linkTo({ links, publicUrl }) };
  const loops = [
    every(POLL, mail.kind === 'off' ? dropMail(deps) : deliverMail({ ...deps, mailer, ...toUsers }), log),
    every(POLL, logEvents(deps), log),
    every(HOUR, forgetOld(deps), log),
  ];
  return {
    async stop() {
      // Together: a mail that a slow server holds up is given up when the mailer closes.
      await Promise.all([...loops.map((loop) => loop.stop()), mailer.close()]);
    },
  };
}

/** With TLS, a certificate that does not verify stops the start; a server that is down does not. */
async function openMailer(mail: Config['mail'], dataDir: string, log: Logger): Promise<Mailer> {
  switch (mail.kind) {
    case 'smtp': {
      const mailer = createSmtpMailer(mail);
      await mailer.verify();
      return mailer;
    }
    case 'files':
      return createFileMailer({ folder: join(dataDir, 'mail'), from: mail.from, log });
    case 'off':
      return { send: async () => {}, close: async () => {} };
  }
}

/** Without mail there is nobody to tell. */
function dropMail({ outbox, clock }: { readonly outbox: Outbox; readonly clock: Clock }) {
  return () => outbox.forget('mail', clock());
}

function receiverOf(mail: Config['mail']): string | null {
  if (mail.kind === 'off') return NOBODY;
  return mail.receiver ?? (mail.kind === 'files' ? NOBODY : null);
}
