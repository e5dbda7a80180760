import { networkOf } from '../../domain/network.ts';
import { normalizePassword } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { TokenPair } from '../sessions/mint-pair.ts';
import { type NewSession, type OpenSessionDeps, openSession } from '../sessions/open-session.ts';
import { type AttemptDeps, attempt } from './attempt.ts';

interface Deps extends OpenSessionDeps, AttemptDeps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
}

export interface LogInWithPasswordInput extends Omit<NewSession, 'userId' | 'contact'> {
  /** The name or the address of the account. */
  readonly username: string;
  readonly password: string;
}

/**
 * Opens a session for whoever knows the password. Unknown users and wrong passwords are told in the same words, in
 * the same time. Rejects with a {@link Refusal}: `invalid_credentials`, `too_many_requests`.
 */
export const logInWithPassword = (deps: Deps) => {
  const { users, passwords } = deps;
  const open = openSession(deps);

  return async ({ username, password, ...session }: LogInWithPasswordInput): Promise<TokenPair> => {
    const identifier = identifierOf(username);
    const user = await users.findByIdentifier(identifier);
    const succeeded = await attempt(deps, user?.id ?? identifier, session.client);
    const given = normalizePassword(password);
    const network = networkOf(session.client.address);
    const right = await passwords.verify(user?.passwordHash ?? null, given, network);
    if (user === null || !right) throw new Refusal('invalid_credentials');

    await succeeded();
    return open({ ...session, userId: user.id, contact: null }, await upToDate(user, given, network));
  };

  /** The hash of the password as it is kept, made anew if the parameters have changed. */
  async function upToDate(user: User, password: string, network: string): Promise<string> {
    if (!passwords.isOutdated(user.passwordHash)) return user.passwordHash;
    const passwordHash = await passwords.hash(password, network);
    if (await users.rehash(user.id, user.passwordHash, passwordHash)) return passwordHash;
    // A login at the same moment has replaced the hash, or the password has been changed.
    const current = await users.find(user.id);
    const isRight = current !== null && (await passwords.verify(current.passwordHash, password, network));
    if (!isRight) throw new Refusal('invalid_credentials');
    return current.passwordHash;
  }
};
