import { randomUUID } from 'node:crypto';
import { createRevokedFamilies } from '../../adapters/memory/revoked-families.ts';
import type { Sql } from '../../adapters/postgres/connect.ts';
import { createTokenFamilies } from '../../adapters/postgres/token-families.ts';
import { createUserStates } from '../../adapters/postgres/user-states.ts';
import { createUsers } from '../../adapters/postgres/users.ts';
import { createIdentifierHash } from '../../adapters/secrets/identifier-hash.ts';
import { createSecurityLog } from '../../adapters/telemetry/security-log.ts';
import { readUsername } from '../../app/accounts/new-account.ts';
import { disableUser } from '../../app/administration/disable-user.ts';
import { enableUser } from '../../app/administration/enable-user.ts';
import { type RoleChange, setRole } from '../../app/administration/set-role.ts';
import { endSessions } from '../../app/sessions/end-session.ts';
import type { Config } from '../../config.ts';
import { byCommand } from '../../domain/audit.ts';
import { identifierOf } from '../../domain/user.ts';
import { canonicalUserId, isUserId, isUuid, type UserIdFormat } from '../../domain/user-id.ts';
import type { Users } from '../../ports/stores/users.ts';
import { logToErrors, operatingSystemUser } from '../command-context.ts';
import { withSharedDatabase } from '../with-database.ts';

/** `kinship users disable`. */
export const disableByNameOrId = (nameOrId: string) =>
  withSharedDatabase(async (sql, config) => {
    const deps = await depsOf(sql, config);
    const userId = await findUserId(deps.users, nameOrId, config.http.userIdFormat);
    const isChanged = await disableUser(deps)(userId, byCommand(operatingSystemUser()));
    print(
      isChanged ? `${userId} is disabled, and its sessions have ended.` : `${userId} is already disabled.`,
    );
  });

/** `kinship users enable`. */
export const enableByNameOrId = (nameOrId: string) =>
  withSharedDatabase(async (sql, config) => {
    const deps = await depsOf(sql, config);
    const userId = await findUserId(deps.users, nameOrId, config.http.userIdFormat);
    const isChanged = await enableUser(deps)(userId, byCommand(operatingSystemUser()));
    print(isChanged ? `${userId} may log in again.` : `${userId} was not disabled.`);
  });

/** `kinship users end-sessions`. */
export const endSessionsByNameOrId = (nameOrId: string) =>
  withSharedDatabase(async (sql, config) => {
    const deps = { ...(await depsOf(sql, config)), families: createTokenFamilies(sql, config.policy) };
    const userId = await findUserId(deps.users, nameOrId, config.http.userIdFormat);
    const ending = { reason: 'administrator', origin: byCommand(operatingSystemUser()) } as const;
    await endSessions(deps)(userId, null, ending);
    print(`The sessions of ${userId} have ended.`);
  });

/** `kinship users grant` and `kinship users revoke`. Throws if there is no such account. */
export const setRoleByNameOrId = (change: RoleChange, nameOrId: string) =>
  withSharedDatabase(async (sql, config) => {
    const deps = await depsOf(sql, config);
    const userId = await findUserId(deps.users, nameOrId, config.http.userIdFormat);
    if ((await deps.users.find(userId)) === null) throw new Error(`No account has the id ${userId}.`);
    const isChanged = await setRole(deps)(userId, change, byCommand(operatingSystemUser()));
    const state = `${change.isGranted ? 'has' : 'does not have'} the role ${change.role}`;
    print(`${userId} ${state}${isChanged ? '.' : '; nothing has changed.'}`);
  });

/**
 * Creates the dependencies of the use cases. `revoked` has no effect here: running replicas get ended sessions from the
 * revocation feed.
 */
async function depsOf(sql: Sql, config: Config) {
  const { policy, tokens } = config;
  // The commands log no identifier, so they need no key.
  const hashIdentifier = (identifier: string) => createIdentifierHash(tokens.hashKeys)(identifier);
  return {
    users: createUsers(sql, policy),
    userStates: createUserStates(sql, policy),
    revoked: createRevokedFamilies(Date.now),
    securityLog: createSecurityLog(await logToErrors(config), hashIdentifier),
    newId: randomUUID,
    clock: Date.now,
    policy,
  };
}

/**
 * Finds the id of the user whom the argument of a command names. An id needs no account here: other systems open
 * sessions for their own users. Rejects if no user can have this name or id.
 * A UUID is always an id. If other text can be both an account name and an id, the account is chosen.
 */
export async function findUserId(
  users: Pick<Users, 'findByIdentifier'>,
  nameOrId: string,
  format: UserIdFormat,
): Promise<string> {
  if (isUuid(nameOrId)) return canonicalUserId(nameOrId);
  const user = await users.findByIdentifier(identifierOf(readUsername(nameOrId)));
  if (user !== null) return user.id;
  const unknown = `No account has the name or address ${nameOrId}`;
  if (format === 'uuid' || !isUserId(nameOrId)) throw new Error(`${unknown}.`);
  process.stderr.write(`${unknown}, so it is taken as a user id.\n`);
  return nameOrId;
}

function print(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}
