import { CHALLENGE_LIFE } from '../../domain/challenge.ts';
import { hasSecondStep } from '../../domain/door.ts';
import { SecondFactorRequired } from '../../domain/refusal.ts';
import { proofKinds } from '../../domain/second-factor.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { Passkeys } from '../../ports/security/passkeys.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { passkeysOf } from '../factors/verify-factor-proof.ts';
import {
  type BoundSession,
  type OpenSessionDeps,
  refuseDisabledUser,
  refuseMissingSecondStep,
} from '../sessions/open-session.ts';

export interface AskForSecondFactorDeps extends OpenSessionDeps {
  readonly secondFactors: SecondFactors;
  readonly challenges: ChallengeSealer;
  readonly passkeys: Passkeys;
}

/**
 * Must be called after the password was verified. Rejects with a {@link SecondFactorRequired} if the account has a
 * second factor. A door that cannot ask for the factor is refused with `forbidden` instead, unless
 * `legacyDoorsSkipSecondFactor`. Rejects for a disabled user with `account_disabled`.
 *
 * True: the login may go on without a second factor. False: the account no longer has this password hash. A challenge
 * must not outlive the password that was verified for it.
 */
export async function askForSecondFactor(
  deps: AskForSecondFactorDeps,
  session: Omit<BoundSession, 'contact'>,
  passwordHash: string,
): Promise<boolean> {
  const { userId, door, paired, jkt, maxAge, remembered } = session;
  const account = await deps.secondFactors.find(userId);
  if (account?.passwordHash !== passwordHash) return false;
  if (account.isDisabled) throw refuseDisabledUser(deps, session);
  const kinds = proofKinds(account.factors, account.recoveryCodes.length);
  if (kinds.length === 0) return true;
  if (!hasSecondStep(door)) {
    if (deps.legacyDoorsSkipSecondFactor) return true;
    throw await refuseMissingSecondStep(deps, session);
  }
  const { securityVersion } = account;
  const nonce = deps.challenges.newNonce();
  const expiresAt = deps.clock() + CHALLENGE_LIFE;
  const options = {
    paired,
    jkt,
    ...(maxAge !== undefined && { maxAge }),
    ...(remembered === false && { remembered }),
  };
  const challenge = await deps.challenges.seal({
    purpose: 'second_step',
    nonce,
    userId,
    securityVersion,
    ...options,
    expiresAt,
  });
  const allowed = passkeysOf(account);
  const publicKey = deps.passkeys.requestOptions({ nonce, allowed, userVerification: 'preferred' });
  throw new SecondFactorRequired({ challenge, kinds, ...(allowed.length > 0 && { publicKey }) });
}
