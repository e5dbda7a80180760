import type { Limits } from '../../domain/limits.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';
import type { PasswordReset } from '../../ports/stores/users.ts';
import { assertWithinLimit } from './assert-within-limit.ts';

export interface PreparePasswordResetDeps {
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly links: LinkSecrets;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** A link for a new password. If the link is not stored, the caller must take back `counted`. */
export interface PreparedPasswordReset {
  readonly resetId: string;
  readonly reset: PasswordReset;
  readonly counted: CountedAction;
}

/**
 * Makes a link for a new password, which is valid until `expiresAt` (milliseconds since the epoch). Rejects with a
 * {@link Refusal} `too_many_requests` if the address of the account has reached its limit of such links. `address` is
 * the IP address for the security log; null: not known.
 */
export async function preparePasswordReset(
  deps: PreparePasswordResetDeps,
  { id: userId, email }: User,
  { expiresAt, address }: { readonly expiresAt: number; readonly address: string | null },
): Promise<PreparedPasswordReset> {
  const { limits, links, newId } = deps;
  const counted = await assertWithinLimit(
    deps,
    {
      // Counted by address, so that deleting the account and registering again does not reset the limit.
      key: `reset ${identifierOf(email)}`,
      limit: { name: 'reset-mails', ...limits.resetMails },
      detail:
        'The address of the account has got as many mails with a link for a new password as are allowed for now. ' +
        'Use the link in the newest mail, or try again later.',
    },
    { userId, ...(address !== null && { address }) },
  );
  const resetId = links.makeLinkId(newId());
  const hashedToken = links.hashSecret(links.makeResetSecret(resetId));
  return { resetId, reset: { hashedToken, userId, expiresAt }, counted };
}
