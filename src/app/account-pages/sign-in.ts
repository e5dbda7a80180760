import { PAGE_IDLE_AGE, pagePolicy } from '../../domain/account-page.ts';
import type { ClientInfo } from '../../domain/events.ts';
import { OWN_CLIENT_ID } from '../../domain/service-key.ts';
import type { PageSecrets } from '../../ports/security/page-secrets.ts';
import type { AccountPageSessions } from '../../ports/stores/account-page-sessions.ts';
import { logInWithPassword } from '../accounts/log-in-with-password.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';

type LogInDeps = Parameters<typeof logInWithPassword>[0];

interface Deps extends LogInDeps {
  readonly pageSecrets: PageSecrets;
  readonly accountPageSessions: AccountPageSessions;
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
 * Signs a user in to the account pages. That is a login with the limits, mails and events of every login, but the pair
 * never leaves this function: the page gets a cookie instead. The session ends after {@link PAGE_IDLE_AGE} without a use.
 * Rejects with a {@link Refusal}, as {@link logInWithPassword} does.
 */
export const signInToPage = (deps: Deps): SignInToPage => {
  const { pageSecrets, accountPageSessions, codec, clock, policy } = deps;
  const logIn = logInWithPassword({ ...deps, policy: pagePolicy(policy) });

  return async (credentials) =>
    openPage(await logIn({ ...credentials, paired: true, door: 'canonical', clientId: OWN_CLIENT_ID }));

  async function openPage({ access }: TokenPair): Promise<string> {
    const { sid: tokenFamily } = await codec.verifyAccess(access, clock(), policy.clockSkew);
    const secret = pageSecrets.create();
    const [hashedToken] = pageSecrets.hash(secret);
    await accountPageSessions.open({ hashedToken, tokenFamily });
    return secret;
  }
};
