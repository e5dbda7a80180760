import { byUser } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Limits } from '../../domain/limits.ts';
import { networkOf } from '../../domain/network.ts';
import { normalizePassword } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import { withUnicodeDomain } from '../../lib/domain-names.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import type { Users } from '../../ports/stores/users.ts';
import { changeEntries } from '../change-entries.ts';
import { assertFollowsRules, assertNotBreached, type NewPasswordDeps } from './assert-acceptable-password.ts';
import { assertWithinLimit } from './assert-within-limit.ts';
import { assertFree, createdEvent, readNames } from './new-account.ts';
import { type PrepareVerificationDeps, prepareVerification, requesterOf } from './prepare-verification.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

interface Deps extends PrepareVerificationDeps, NewPasswordDeps {
  readonly users: Pick<Users, 'create'>;
  readonly emailChanges: Pick<EmailChanges, 'isTaken'>;
  readonly passwords: PasswordHasher;
  readonly limits: Limits;
}

export interface RegisterInput {
  readonly client: ClientInfo;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export type Register = (input: RegisterInput) => Promise<{ id: string; username: string; email: string }>;

/**
 * Creates an account, and mails the link that proves its address. No link is mailed if EMAIL_VERIFICATION is off, or if
 * the address has reached its limit of links. Rejects with a {@link Refusal}: `invalid_request`, `conflict`,
 * `too_many_requests`.
 */
export const register =
  (deps: Deps): Register =>
  async ({ client, ...input }) => {
    const { users, passwords, clock, newId } = deps;
    const { username, email } = readNames(input);
    const password = normalizePassword(input.password);
    assertFollowsRules(deps, password, { username, email });
    const network = networkOf(client.address);
    const limit = { name: 'registrations', ...deps.limits.registrations };
    await assertWithinLimit(deps, { key: `register ${network}`, limit }, { address: client.address });
    await assertNotBreached(deps, password);
    const now = clock();
    const account = { id: newId(), username, email, emailVerifiedAt: null, createdAt: now, roles: [] };
    await assertFree(deps, account, now);
    const user = { ...account, passwordHash: await passwords.hash(password, network) };
    const verification = await prepareVerification(deps, user, requesterOf(client));
    const created = changeEntries(newId, byUser(client), [{ event: createdEvent(user) }]);
    const entries = [...created, ...(verification?.entries ?? [])];
    const isCreated = await uncountIfRefused(deps, verification?.counted, () =>
      users.create(user, entries, { verification: verification?.link }),
    );
    if (!isCreated) throw new Refusal('conflict');
    return { id: user.id, username: withUnicodeDomain(user.username), email: withUnicodeDomain(email) };
  };
