import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { Users } from '../../ports/stores/users.ts';

interface Deps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
}

/** A password, as the user typed it, that matched the user's hash. `network`: the network of the request. */
export interface VerifiedPassword {
  readonly user: User;
  readonly password: string;
  readonly network: string;
}

/** Applies a change if the user still has this hash. Null, and nothing changes, if the hash was replaced. */
type ConditionalChange<T> = (user: User, attempt: number) => Promise<T | null>;

/**
 * The change is tried up to three times: logins on two replicas with different hash parameters can replace the hash
 * twice.
 */
const ATTEMPTS = 3;

/**
 * Applies a change that depends on the hash of the password. A concurrent login can replace the hash of the same
 * password after its verification. Then the password is verified against the new hash, and the change is tried again.
 * Rejects with a {@link Refusal}: `invalid_credentials` if the password or account is gone, `unavailable` if the hash
 * was replaced at each attempt.
 */
export async function applyWithPassword<T>(
  { users, passwords }: Deps,
  { user, password, network }: VerifiedPassword,
  change: ConditionalChange<T>,
): Promise<T> {
  let current = user;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const result = await change(current, attempt);
    if (result !== null) return result;
    const stored = await users.find(user.id);
    const isRight = stored !== null && (await passwords.verify(stored.passwordHash, password, network));
    if (!isRight) throw new Refusal('invalid_credentials');
    current = stored;
  }
  const cause = new Error(`the password hash was replaced ${ATTEMPTS} times`);
  throw new Refusal('unavailable', undefined, { cause });
}
