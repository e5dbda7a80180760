import type { Logger } from '../adapters/telemetry/log.ts';
import { forgetLinks, forgetMailBudgets, forgetMails } from '../app/upkeep/forget.ts';
import { BREATH, purgeInTurns } from '../app/upkeep/purge.ts';
import type { RemovalDeps } from '../app/upkeep/remove-in-turns.ts';
import type { Policy } from '../domain/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { MailBudget } from '../ports/stores/mail-budget.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { Users } from '../ports/stores/users.ts';
import { type Background, every } from './every.ts';

const HOUR = 3_600_000;

/** Removes in the background what is past use, until stopped. */
export function startUpkeep(deps: {
  readonly families: TokenFamilies;
  readonly outbox: Outbox;
  readonly mailBudget: MailBudget;
  readonly users: Users;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: RemovalDeps['telemetry'];
}): Background {
  const loops = [
    every(HOUR, forgetMails(deps), deps.log, { breath: BREATH }),
    every(HOUR, forgetMailBudgets(deps), deps.log, { breath: BREATH }),
    every(HOUR, forgetLinks(deps), deps.log, { breath: BREATH }),
    every(HOUR, purgeInTurns(deps), deps.log, { breath: BREATH }),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
