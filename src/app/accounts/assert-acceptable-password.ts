import { contextWords, passwordFault } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { IsBreachedPassword, IsCommonPassword } from '../../ports/security/password-lists.ts';

export interface NewPasswordDeps {
  readonly isCommonPassword: IsCommonPassword;
  readonly isBreachedPassword: IsBreachedPassword;
  readonly serviceName: string;
}

/** Rejects with a {@link Refusal} `invalid_request` if the new password is not acceptable. */
export async function assertAcceptablePassword(
  deps: NewPasswordDeps,
  password: string,
  user: Pick<User, 'username' | 'email'>,
): Promise<void> {
  assertFollowsRules(deps, password, user);
  await assertNotBreached(deps, password);
}

/** Throws a {@link Refusal} `invalid_request` if the new password does not follow the rules. */
export function assertFollowsRules(
  { isCommonPassword, serviceName }: NewPasswordDeps,
  password: string,
  user: Pick<User, 'username' | 'email'>,
): void {
  const fault = passwordFault(password, contextWords(user, serviceName), isCommonPassword);
  if (fault !== null) throw new Refusal('invalid_request', fault);
}

/** Rejects with a {@link Refusal} `invalid_request`. Can cause a request to another service, so limits come first. */
export async function assertNotBreached(
  { isBreachedPassword }: NewPasswordDeps,
  password: string,
): Promise<void> {
  if (await isBreachedPassword(password))
    throw new Refusal('invalid_request', 'The password is known from a data breach. Choose another one.');
}
