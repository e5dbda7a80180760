import type { ClientInfo } from '../../domain/events.ts';
import type { Limits } from '../../domain/limits.ts';
import { networkOf } from '../../domain/network.ts';
import { normalizePassword, passwordFault } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import { accountFault, EMAIL_VERIFIED, identityOf } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { IsCommonPassword } from '../../ports/security/common-passwords.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { Users } from '../../ports/stores/users.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { assertWithinLimit } from './assert-within-limit.ts';

interface Deps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly isCommonPassword: IsCommonPassword;
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

export interface RegisterInput {
  readonly client: ClientInfo;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export type Register = (input: RegisterInput) => Promise<{ id: string; username: string; email: string }>;

/** Creates an account. Rejects with a {@link Refusal}: `invalid_request`, `conflict`, `too_many_requests`. */
export const register =
  (deps: Deps): Register =>
  async ({ username, email, client, ...input }) => {
    const { users, passwords, isCommonPassword, clock, newId } = deps;
    const password = normalizePassword(input.password);
    const fault =
      accountFault(username, email) ?? passwordFault(password, [username, email], isCommonPassword);
    if (fault !== null) throw new Refusal('invalid_request', fault);

    const network = networkOf(client.address);
    const limit = { name: 'registrations', ...deps.limits.registrations };
    await assertWithinLimit(deps, { key: `register ${network}`, limit }, { address: client.address });
    const now = clock();
    const passwordHash = await passwords.hash(password, network);
    const user = { id: newId(), username: username.normalize('NFKC'), email, passwordHash, createdAt: now };
    const identity = identityOf(user);
    const data = {
      userId: user.id,
      emailVerified: EMAIL_VERIFIED,
      ...(identity !== null && { username: identity }),
    };
    const event = { type: 'users.created', occurredAt: now, data } as const;
    if (!(await users.create(user, outboxEntries(newId, [{ event }])))) throw new Refusal('conflict');
    return { id: user.id, username: user.username, email };
  };
