import type { PAGE_IDLE_AGE, pagePolicy } from '../../domain/account-page.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Policy } from '../../domain/policy.ts';
import { OWN_CLIENT_ID } from '../../domain/service-key.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PageSecrets } from '../../ports/security/page-secrets.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { AccountPageSessions } from '../../ports/stores/account-page-sessions.ts';
import type { LogInWithPassword } from '../accounts/log-in-with-password.ts';
import type { LogInWithSecondFactor } from '../accounts/log-in-with-second-factor.ts';
import type { FactorProof } from '../factors/verify-factor-proof.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';

interface PageDeps {
  readonly pageSecrets: PageSecrets;
  readonly accountPageSessions: AccountPageSessions;
  readonly codec: TokenCodec;
  readonly clock: Clock;
  readonly policy: Pick<Policy, 'clockSkew'>;
}

export interface SignInToPageInput {
  /** The user name or the mail address of the account. */
  readonly username: string;
  readonly password: string;
  readonly client: ClientInfo;
}

/** Returns the value of the cookie. */
export type SignInToPage = (input: SignInToPageInput) => Promise<string>;

/**
 * Signs a user in to the account pages. It is a login with the usual limits, mails and events. The pair never leaves
 * this module: the page gets a cookie instead. The session ends after {@link PAGE_IDLE_AGE} without a use. Rejects with
 * a {@link Refusal}, as {@link LogInWithPassword} does.
 *
 * @param deps `logInWithPassword` follows {@link pagePolicy}
 */
export const signInToPage =
  (deps: PageDeps & { readonly logInWithPassword: LogInWithPassword }): SignInToPage =>
  async (credentials) => {
    const session = { paired: true, door: 'canonical', clientId: OWN_CLIENT_ID } as const;
    return openPage(deps, await deps.logInWithPassword({ ...credentials, ...session }));
  };

export interface FinishSignInInput {
  /** The challenge in the {@link SecondFactorRequired} of {@link signInToPage}. */
  readonly challenge: string;
  readonly proof: FactorProof;
  readonly client: ClientInfo;
}

export type FinishSignIn = (input: FinishSignInInput) => Promise<string>;

/**
 * The second step of a sign-in. Rejects with a {@link Refusal}, as {@link LogInWithSecondFactor} does.
 *
 * @param deps `logInWithSecondFactor` follows {@link pagePolicy}
 */
export const finishSignIn =
  (deps: PageDeps & { readonly logInWithSecondFactor: LogInWithSecondFactor }): FinishSignIn =>
  async (answer) =>
    openPage(deps, await deps.logInWithSecondFactor(answer));

async function openPage(deps: PageDeps, { access }: TokenPair): Promise<string> {
  const { pageSecrets, accountPageSessions, codec, clock, policy } = deps;
  const { sid: tokenFamily } = await codec.verifyAccess(access, clock(), policy.clockSkew);
  const secret = pageSecrets.create();
  const [hashedToken] = pageSecrets.hash(secret);
  const addCookie = () => accountPageSessions.addCookie({ hashedToken, tokenFamily });
  // The login has committed, and its proof is used up. So a lost connection is not yet a failure of the sign-in. If the
  // second attempt fails, too, no client holds the session, and it ends after PAGE_IDLE_AGE.
  await addCookie().catch(addCookie);
  return secret;
}
