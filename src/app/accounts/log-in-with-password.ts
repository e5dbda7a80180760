import { byUser } from '../../domain/audit.ts';
import { BY_PASSWORD } from '../../domain/authentication.ts';
import { hasSecondStep } from '../../domain/door.ts';
import { type EmailVerification, mayLogInWithPassword } from '../../domain/email-address.ts';
import { networkOf } from '../../domain/network.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';
import type { Users } from '../../ports/stores/users.ts';
import { decideKeyBinding } from '../sessions/decide-key-binding.ts';
import { type NewSession, openSessionWith } from '../sessions/open-session.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';
import { useDpopProof } from '../tokens/require-dpop-proof.ts';
import { applyWithPassword } from './apply-with-password.ts';
import { type AskForSecondFactorDeps, askForSecondFactor } from './ask-for-second-factor.ts';
import { beginPasswordAttempt, type PasswordAttemptDeps } from './begin-password-attempt.ts';
import { readUsername } from './new-account.ts';

interface Deps extends AskForSecondFactorDeps, PasswordAttemptDeps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly emailVerification: EmailVerification;
  readonly auditLog: AuditLog;
}

export interface LogInWithPasswordInput
  extends Omit<
    NewSession,
    'userId' | 'contact' | 'authentication' | 'maxAge' | 'remembered' | 'dpopJkt' | 'mustBind'
  > {
  /** The user name or the mail address of the account. */
  readonly username: string;
  readonly password: string;
  /** Whether the session may live as long as the operator allows. Default: true. */
  readonly remember?: boolean | undefined;
}

export type LogInWithPassword = (input: LogInWithPasswordInput) => Promise<TokenPair>;

/**
 * Opens a session for a user name and password. An unknown user and a wrong password get the same answer after the same
 * time. `email_unverified` is returned only after the right password. Rejects with a {@link Refusal}:
 * `invalid_credentials`, `email_unverified`, `account_disabled`, `second_factor_required`, `forbidden`,
 * `invalid_dpop_proof`, `use_dpop_nonce`, `too_many_requests`, `unavailable`.
 */
export const logInWithPassword = (deps: Deps): LogInWithPassword => {
  const { users, passwords, policy } = deps;

  return async ({ username, password, remember = true, presented, ...options }) => {
    const { jkt, proof } = await decideKeyBinding(deps, { presented });
    const session = {
      ...options,
      jkt,
      authentication: BY_PASSWORD,
      remembered: remember,
      ...(!remember && { maxAge: policy.sessionShortAge }),
    };
    const identifier = identifierOf(readUsername(username));
    const user = await users.findByIdentifier(identifier);
    const recordSuccess = await beginPasswordAttempt(deps, { userId: user?.id, identifier }, session.client);
    const network = networkOf(session.client.address);
    const isRight = await passwords.verify(user?.passwordHash ?? null, password, network);
    if (user === null || !isRight) {
      const { address } = session.client;
      await deps.auditLog.countFailedPassword({ userId: user?.id ?? null, network, at: deps.clock() });
      deps.securityLog('login_failed', { userId: user?.id, identifier, address });
      throw new Refusal('invalid_credentials');
    }

    await recordSuccess();
    if (!mayLogInWithPassword(user, deps.emailVerification)) throw new Refusal('email_unverified');
    // Used up only after the password was verified: a stranger without it must not fill the store of used proofs.
    if (proof !== null) await useDpopProof(deps, proof);
    return applyWithPassword(deps, { user, password, network }, async (current, tries) => {
      // Only the first try replaces the hash. Otherwise replicas with different parameters would keep replacing each
      // other's hash.
      const hash = tries === 1 ? await rehashIfOutdated(current, password, network) : current.passwordHash;
      const opening = { ...session, userId: user.id, contact: null };
      if (hash === null) return null;
      // The store refuses a session without a factor that was added meanwhile. The next try asks for that factor.
      const mustAsk = user.hasSecondFactor || tries > 1;
      if (mustAsk && !(await askForSecondFactor(deps, opening, hash))) return null;
      const mayHaveFactor = !hasSecondStep(session.door) && deps.legacyDoorsSkipSecondFactor;
      const condition = { passwordHash: hash, refuseSecondFactor: !mayHaveFactor };
      return openSessionWith(deps, byUser(session.client), opening, (family, entries) =>
        deps.families.open(family, entries, condition),
      );
    });
  };

  /** The stored hash, replaced if its parameters are outdated. Null if another request has replaced it first. */
  async function rehashIfOutdated(user: User, password: string, network: string): Promise<string | null> {
    if (!passwords.isOutdated(user.passwordHash)) return user.passwordHash;
    const passwordHash = await passwords.hash(password, network);
    return (await users.rehash(user.id, user.passwordHash, passwordHash)) ? passwordHash : null;
  }
};
