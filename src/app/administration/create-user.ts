import type { ChangeOrigin } from '../../domain/audit.ts';
import { DAY } from '../../domain/durations.ts';
import type { DomainEvent } from '../../domain/events.ts';
import { NO_PASSWORD } from '../../domain/imported-user.ts';
import type { Limits } from '../../domain/limits.ts';
import { normalizePassword } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { CountedAction } from '../../ports/stores/attempts.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import type { FirstLinks, Users } from '../../ports/stores/users.ts';
import {
  assertFollowsRules,
  assertNotBreached,
  type NewPasswordDeps,
} from '../accounts/assert-acceptable-password.ts';
import { assertFree, createdEvent, readNames } from '../accounts/new-account.ts';
import { preparePasswordReset } from '../accounts/prepare-password-reset.ts';
import { type PrepareVerificationDeps, prepareVerification } from '../accounts/prepare-verification.ts';
import { uncountIfRefused } from '../accounts/uncount-if-refused.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps, PrepareVerificationDeps, NewPasswordDeps {
  readonly users: Pick<Users, 'create'>;
  readonly emailChanges: Pick<EmailChanges, 'isTaken'>;
  readonly passwords: Pick<PasswordHasher, 'hash'>;
  readonly limits: Limits;
  /** Whether the service sends mails, such as invitations. */
  readonly sendsMails: boolean;
}

export interface NewAccount {
  readonly username: string;
  readonly email: string;
  /** Absent: an invitation is mailed. */
  readonly password?: string;
  /** Whether the operator vouches for the address. Default: false. */
  readonly emailVerified?: boolean;
}

export type CreateUser = (account: NewAccount, origin: ChangeOrigin) => Promise<string>;

/** How long an invitation is valid, in milliseconds. */
const INVITATION_AGE = 7 * DAY;

/** The queue of the password hasher for operators, given in place of a network: operators do not wait behind users. */
const OPERATORS_QUEUE = 'operators';

/**
 * Creates an account and returns its id. Without a password it mails a link that sets the password and proves the
 * address. With a password it mails a link that proves the address, unless the operator vouches for the address: see
 * {@link prepareVerification}. Rejects with a {@link Refusal}: `invalid_request`, `conflict`, `too_many_requests`.
 */
export const createUser =
  (deps: Deps): CreateUser =>
  async ({ password, emailVerified = false, ...typed }, origin) => {
    if (password === undefined && !deps.sendsMails)
      throw new Refusal('invalid_request', 'This service sends no mails, so the account needs a password.');
    const names = readNames(typed);
    const now = deps.clock();
    const user = {
      id: deps.newId(),
      ...names,
      emailVerifiedAt: emailVerified ? now : null,
      passwordHash: NO_PASSWORD,
      createdAt: now,
      roles: [],
    };
    await assertFree(deps, user, now);
    return password === undefined
      ? invite(deps, user, origin)
      : create(deps, { ...user, passwordHash: await hashAcceptable(deps, user, password) }, origin);
  };

async function hashAcceptable(deps: Deps, user: User, typed: string): Promise<string> {
  const password = normalizePassword(typed);
  assertFollowsRules(deps, password, user);
  await assertNotBreached(deps, password);
  return deps.passwords.hash(password, OPERATORS_QUEUE);
}

async function create(deps: Deps, user: User, origin: ChangeOrigin): Promise<string> {
  const verification = await prepareVerification(deps, user, { origin, facts: { byOperator: true } });
  const action = actionOf(user, origin, [createdEvent(user)]);
  return store(deps, user, action, {
    links: { verification: verification?.link },
    entries: verification?.entries ?? [],
    counted: verification?.counted,
  });
}

async function invite(deps: Deps, user: User, origin: ChangeOrigin): Promise<string> {
  const { address } = origin;
  const expiresAt = user.createdAt + INVITATION_AGE;
  const { resetId, reset, counted } = await preparePasswordReset(deps, user, { expiresAt, address });
  const data = { userId: user.id, byOperator: true, resetId } as const;
  const invitation: DomainEvent = { type: 'users.invited', occurredAt: user.createdAt, data };
  const action = actionOf(user, origin, [createdEvent(user), invitation]);
  return store(deps, user, action, { links: { reset }, entries: [], counted });
}

function actionOf({ id: userId }: User, origin: ChangeOrigin, events: readonly DomainEvent[]): AdminAction {
  return { type: 'user_created', origin, userId, events };
}

/** The first link of an account, entries in addition to those of the action, and how the link was counted. */
interface FirstLink {
  readonly links: FirstLinks;
  readonly entries: readonly ChangeEntry[];
  readonly counted: CountedAction | undefined;
}

async function store(
  deps: Deps,
  user: User,
  action: AdminAction,
  { links, entries, counted }: FirstLink,
): Promise<string> {
  const isCreated = await uncountIfRefused(deps, counted, () =>
    deps.users.create(user, [...entriesOfAction(deps, action), ...entries], links),
  );
  if (!isCreated) throw new Refusal('conflict');
  reportAction(deps, action);
  return user.id;
}
