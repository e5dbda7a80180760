import { CHALLENGE_LIFE } from '../../domain/challenge.ts';
import type { EmailVerification } from '../../domain/email-address.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { CreationOptions, Passkeys } from '../../ports/security/passkeys.ts';
import type { SensitiveRequest } from '../accounts/sensitive-change.ts';
import {
  authorizeFactorChange,
  type FactorChangeDeps,
  requireProvenAddress,
} from './authorize-factor-change.ts';
import { passkeysOf } from './verify-factor-proof.ts';

interface Deps extends FactorChangeDeps {
  readonly challenges: ChallengeSealer;
  readonly passkeys: Passkeys;
  readonly emailVerification: EmailVerification;
}

/** A sealed challenge, and the options with which the browser makes the passkey. */
export interface PasskeyCreation {
  readonly challenge: string;
  readonly publicKey: CreationOptions;
}

export type BeginPasskey = (request: SensitiveRequest) => Promise<PasskeyCreation>;

/**
 * Begins to add a passkey. Stores nothing. Rejects with a {@link Refusal}: those of `authorizeFactorChange`, and
 * `email_unverified`.
 */
export const beginPasskey = (deps: Deps): BeginPasskey => {
  const { challenges, passkeys, clock, emailVerification } = deps;

  return async (request) => {
    const { userId } = request;
    const { account, user } = await authorizeFactorChange(deps, request);
    const { securityVersion } = account;
    requireProvenAddress(user, emailVerification);
    const nonce = challenges.newNonce();
    const expiresAt = clock() + CHALLENGE_LIFE;
    return {
      challenge: await challenges.seal({ purpose: 'new_passkey', nonce, userId, securityVersion, expiresAt }),
      publicKey: passkeys.creationOptions({ nonce, user, existing: passkeysOf(account) }),
    };
  };
};
