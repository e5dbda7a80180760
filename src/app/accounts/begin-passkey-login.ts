import { CHALLENGE_LIFE } from '../../domain/second-factor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LoginChallenges } from '../../ports/security/login-challenges.ts';
import type { Passkeys, RequestOptions } from '../../ports/security/passkeys.ts';

interface Deps {
  readonly challenges: LoginChallenges;
  readonly passkeys: Passkeys;
  readonly clock: Clock;
}

export type BeginPasskeyLogin = () => Promise<{
  /** The sealed challenge. */
  readonly challenge: string;
  readonly publicKey: RequestOptions;
}>;

/** Begins a login by a passkey, without a name. Stores nothing, because anyone can ask for it. */
export const beginPasskeyLogin =
  ({ challenges, passkeys, clock }: Deps): BeginPasskeyLogin =>
  async () => {
    const nonce = challenges.newNonce();
    const expiresAt = clock() + CHALLENGE_LIFE;
    return {
      challenge: await challenges.seal({ purpose: 'passkey_login', nonce, expiresAt }),
      publicKey: passkeys.requestOptions({ nonce, allowed: [], userVerification: 'required' }),
    };
  };
