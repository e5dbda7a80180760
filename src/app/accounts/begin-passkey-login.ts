import { CHALLENGE_LIFE } from '../../domain/challenge.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { Passkeys, RequestOptions } from '../../ports/security/passkeys.ts';

interface Deps {
  readonly challenges: ChallengeSealer;
  readonly passkeys: Passkeys;
  readonly clock: Clock;
}

export type BeginPasskeyLogin = () => Promise<{
  /** The sealed challenge. */
  readonly challenge: string;
  readonly publicKey: RequestOptions;
}>;

/** Begins a login by a passkey, without a name. Stores nothing, because anyone can ask for it. */
export const beginPasskeyLogin = (deps: Deps): BeginPasskeyLogin => askForPasskey(deps, 'passkey_login');

/** Begins a step-up by a passkey. The browser offers every passkey for this service, as for a login. */
export const beginStepUp = (deps: Deps): BeginPasskeyLogin => askForPasskey(deps, 'step_up');

function askForPasskey(
  { challenges, passkeys, clock }: Deps,
  purpose: 'passkey_login' | 'step_up',
): BeginPasskeyLogin {
  return async () => {
    const nonce = challenges.newNonce();
    const expiresAt = clock() + CHALLENGE_LIFE;
    return {
      challenge: await challenges.seal({ purpose, nonce, expiresAt }),
      publicKey: passkeys.requestOptions({ nonce, allowed: [], userVerification: 'required' }),
    };
  };
}
