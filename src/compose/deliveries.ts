import { join } from 'node:path';
import { createFileMailer } from '../adapters/smtp/file-mailer.ts';
import { createSmtpMailer } from '../adapters/smtp/smtp-mailer.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { DeliveryDeps } from '../app/delivery/claim-due.ts';
import { deliverDigests } from '../app/delivery/deliver-digests.ts';
import { deliverMail } from '../app/delivery/deliver-mail.ts';
import { type LinkTo, linkTo } from '../app/delivery/link-to.ts';
import { BUSY_DELAY } from '../app/upkeep/purge.ts';
import { createRemoval, REMOVAL_BATCH, type RemovalDeps } from '../app/upkeep/removal.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Mailer } from '../ports/delivery/mailer.ts';
import type { LinkSecrets } from '../ports/security/link-secrets.ts';
import type { MailBudget } from '../ports/stores/mail-budget.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { Users } from '../ports/stores/users.ts';
import type { Tracing } from '../ports/tracing.ts';
import { startEvents } from './events.ts';
import { type Background, startLoop } from './loop.ts';

/** Milliseconds between two looks into an outbox without mail, and between two removals where mail is off. */
const POLL = { toSend: 1_000, toRemove: 60_000 };

/** Captured mails of users whose address is not known are written all the same (RFC 2606: no such host). */
const NOBODY = 'unknown@example.invalid';

/** Empties the outbox in the background until stopped. */
export async function startDeliveries(
  config: Pick<Config, 'mail' | 'dataDir' | 'brokerUrl' | 'tokens'>,
  deps: DeliveryDeps &
    RemovalDeps & {
      readonly users: Users;
      readonly budget: MailBudget;
      readonly links: LinkSecrets;
      /** Where links lead, which is not known before the service listens. */
      readonly origin: () => string;
      readonly tracing: Tracing | null;
      readonly log: Logger;
    },
): Promise<Background> {
  const { mail, dataDir } = config;
  const { log, links, origin } = deps;
  const mailer = await openMailer(mail, dataDir, log);
  const link: LinkTo = (event) => linkTo({ links, publicUrl: origin() })(event);
  const toUsers = { random: Math.random, receiver: receiverOf(mail), linkTo: link };
  const work = [await startEvents(config, deps), ...mailLoops()];
  return {
    async stop() {
      // Together: a mail that a slow server holds up is given up when the mailer closes.
      await Promise.all([...work.map((each) => each.stop()), mailer.close()]);
    },
  };

  function mailLoops(): Background[] {
    if (mail.kind === 'off')
      return [startLoop(POLL.toRemove, dropMail(deps), log, { busyDelay: BUSY_DELAY })];
    const toSend = { ...deps, mailer, ...toUsers };
    return [
      startLoop(POLL.toSend, deliverMail(toSend), log),
      startLoop(POLL.toSend, deliverDigests(toSend), log),
    ];
  }
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

/** Removes the mails that are recorded although no mail is sent. */
function dropMail(deps: RemovalDeps & { readonly outbox: Outbox; readonly clock: Clock }) {
  const { outbox, clock } = deps;
  return createRemoval(deps, {
    removal: 'mails',
    remove: () => outbox.forget('mail', clock(), REMOVAL_BATCH),
  });
}

function receiverOf(mail: Config['mail']): string | null {
  if (mail.kind === 'off') return NOBODY;
  return mail.receiver ?? (mail.kind === 'files' ? NOBODY : null);
}
