import { createTokenFamilies } from '../../adapters/postgres/token-families.ts';
import { createUserDirectory } from '../../adapters/postgres/user-directory.ts';
import { createUserStates } from '../../adapters/postgres/user-states.ts';
import { createUsers } from '../../adapters/postgres/users.ts';
import { findSessions } from '../../app/administration/find-sessions.ts';
import { type AccountQuery, findAccount, listAccounts } from '../../app/administration/list-accounts.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { ListedUser } from '../../domain/user-directory.ts';
import { jsonLine } from '../../lib/json-line.ts';
import { formatTable } from '../table.ts';
import { withSharedDatabase } from '../with-database.ts';
import { findUserId } from './administer.ts';

export interface UserListOptions {
  readonly query?: string;
  readonly only?: NonNullable<AccountQuery['only']>;
  readonly limit: number;
  readonly json?: boolean;
}

/** `kinship users list`. */
export const printUserList = ({ query, only, limit, json }: UserListOptions) =>
  withSharedDatabase(async (sql) => {
    const list = listAccounts({ userDirectory: createUserDirectory(sql), clock: Date.now });
    const { items, nextCursor } = await list({
      query: query ?? null,
      only: only ?? null,
      limit,
      cursor: null,
    });
    const lines = items.map((user) => jsonLine(userFacts(user))).join('');
    process.stdout.write(json === true ? lines : formatTable([USER_HEAD, ...items.map(userRow)]));
    if (items.length === 0) process.stderr.write('No account matches.\n');
    if (nextCursor !== undefined)
      process.stderr.write('There are more accounts. Narrow the list with --query, or raise --limit.\n');
  });

/** The maximum number of sessions that `show` prints. */
const SHOWN_SESSIONS = 100;

/** `kinship users show`. The user id need not have an account here. */
export const printUser = (nameOrId: string, { json }: { readonly json?: boolean }) =>
  withSharedDatabase(async (sql, { policy, http }) => {
    const clock = Date.now;
    const userId = await findUserId(createUsers(sql, policy), nameOrId, http.userIdFormat);
    const account = await findAccount({ userDirectory: createUserDirectory(sql), clock })(userId);
    const { disabledAt, claims } = await createUserStates(sql, policy).find(userId);
    const families = createTokenFamilies(sql, policy);
    const page = { limit: SHOWN_SESSIONS, cursor: null };
    const { items: sessions, nextCursor } = await findSessions({ families, clock })({ userId }, page);
    const facts = {
      id: userId,
      ...(account === null ? { account: null } : userFacts(account)),
      disabledAt: timeOrNull(disabledAt),
      claims,
      live: sessions.map(sessionFacts),
    };
    process.stdout.write(json === true ? jsonLine(facts) : formatUser(facts, sessions));
    if (nextCursor !== undefined)
      process.stderr.write(`The user has more live sessions. The list shows the ${SHOWN_SESSIONS} newest.\n`);
  });

function formatUser(
  { live: _, ...facts }: Readonly<Record<string, unknown>>,
  sessions: readonly TokenFamily[],
) {
  const rows = Object.entries(facts).map(([name, value]) => [name, textOf(value)]);
  const table = [SESSION_HEAD, ...sessions.map(sessionRow)];
  return `${formatTable(rows)}\n${sessions.length === 0 ? 'No live session.\n' : formatTable(table)}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const USER_HEAD = ['ID', 'NAME', 'ADDRESS', 'CREATED', 'LAST LOGIN', 'SESSIONS', 'FACTORS', 'STATE'];

function userRow(user: ListedUser): string[] {
  const { id, username, email, createdAt, lastLoginAt, roles, disabledAt, factors, sessions } = user;
  const state = [...(disabledAt === null ? [] : ['disabled']), ...roles].join(', ') || '-';
  const seen = timeOrNull(lastLoginAt) ?? '-';
  const created = new Date(createdAt).toISOString();
  return [id, username, email, created, seen, String(sessions), factors.join(', ') || '-', state];
}

function userFacts(user: ListedUser) {
  const { emailVerifiedAt: _, createdAt, lastLoginAt, disabledAt, ...rest } = user;
  return {
    ...rest,
    emailVerified: isEmailVerified(user),
    createdAt: new Date(createdAt).toISOString(),
    lastLoginAt: timeOrNull(lastLoginAt),
    disabledAt: timeOrNull(disabledAt),
  };
}

const SESSION_HEAD = ['SESSION', 'OPENED', 'REFRESHED', 'GENERATION', 'ADDRESS', 'DEVICE'];

function sessionRow(family: TokenFamily): string[] {
  const { id, createdAt, refreshedAt, generation, address, device } = sessionFacts(family);
  return [id, createdAt, refreshedAt, String(generation), address, device];
}

function sessionFacts(family: TokenFamily) {
  return {
    id: family.tokenFamily,
    createdAt: new Date(family.createdAt).toISOString(),
    refreshedAt: new Date(family.rotatedAt).toISOString(),
    generation: family.generation,
    address: family.address,
    device: family.deviceName ?? family.userAgent,
  };
}

function timeOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
