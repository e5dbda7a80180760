import { join } from 'node:path';
import { describeDevice } from '../adapters/http/server/describe-user-agent.ts';
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
import { waitForAll } from '../lib/run-all.ts';
import type { Clock } from '../ports/clock.ts';
import type { Mailer } from '../ports/delivery/mailer.ts';
import type { LinkSecrets } from '../ports/security/link-secrets.ts';
import type { MailBudget } from '../ports/stores/mail-budget.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { Users } from '../ports/stores/users.ts';
import type { Tracing } from '../ports/tracing.ts';
import { startEventDelivery } from './event-delivery.ts';
import { type Background, startLoop } from './loop.ts';
import type { AddDependency } from './shared-state.ts';

/** Milliseconds between two polls of the outbox: to send mails, or to remove mails while mail is off. */
const POLL = { toSend: 1_000, toRemove: 60_000 };

/** The recipient of mail files for users without a known address. The host never exists (RFC 2606). */
const UNKNOWN_RECIPIENT = 'unknown@example.invalid';

/** Starts to send the mails and to publish the events of the outbox. */
export async function startDeliveries(
  config: Pick<Config, 'http' | 'mail' | 'dataDir' | 'brokerUrl' | 'tokens'>,
  deps: DeliveryDeps &
    RemovalDeps & {
      readonly users: Users;
      readonly budget: MailBudget;
      readonly links: LinkSecrets;
      /** The origin of links in mails. It is known only once the service listens. */
      readonly origin: () => string;
      readonly tracing: Tracing | null;
      readonly addDependency: AddDependency;
      readonly log: Logger;
    },
): Promise<Background & { readonly mailer: Mailer }> {
  const { mail, dataDir } = config;
  const { log, links, origin } = deps;
  const mailer = await openMailer(mail, dataDir, log);
  const link: LinkTo = (event) => linkTo({ links, publicUrl: origin() })(event);
  const work = [await startEventDelivery(config, deps), ...startMailLoops()];
  return {
    mailer,
    async stop() {
      // In parallel: closing the mailer aborts a mail that a slow server delays.
      await waitForAll([...work.map((each) => each.stop()), mailer.close()]);
    },
  };

  function startMailLoops(): Background[] {
    if (mail.kind === 'off')
      return [startLoop(POLL.toRemove, createMailRemoval(deps), log, { busyDelay: BUSY_DELAY })];
    const mailDeps = {
      ...deps,
      mailer,
      random: Math.random,
      operatorAddress: operatorAddressOf(mail),
      linkTo: link,
      serviceName: config.http.serviceName,
      describeDevice,
    };
    return [
      startLoop(POLL.toSend, deliverMail(mailDeps), log),
      startLoop(POLL.toSend, deliverDigests(mailDeps), log),
    ];
  }
}

/** An invalid certificate of the mail server stops the start; an unreachable mail server does not. */
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

/** Creates the task that removes the recorded mails while mail is off. */
function createMailRemoval(deps: RemovalDeps & { readonly outbox: Outbox; readonly clock: Clock }) {
  const { outbox, clock } = deps;
  return createRemoval(deps, {
    removal: 'mails',
    remove: () => outbox.forget('mail', clock(), REMOVAL_BATCH),
  });
}

function operatorAddressOf(mail: Exclude<Config['mail'], { readonly kind: 'off' }>): string | null {
  return mail.receiver ?? (mail.kind === 'files' ? UNKNOWN_RECIPIENT : null);
}
