import type { PendingQuery, Row, TransactionSql } from 'postgres';
import { listEventsSql, MAX_SCANNED_EVENTS } from '../../src/adapters/postgres/audit-log.ts';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { MAX_SCANNED_ROWS, searchSql } from '../../src/adapters/postgres/search-families.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { listSql } from '../../src/adapters/postgres/user-directory.ts';
import { listDeliveriesSql } from '../../src/adapters/postgres/webhook-deliveries.ts';
import type { Executor } from '../../src/adapters/postgres/with-outbox.ts';
import { ACTIVITY_TYPES } from '../../src/app/audit/list-activity.ts';
import type { UserFilter } from '../../src/domain/user-directory.ts';
import type { AuditFilter } from '../../src/ports/stores/audit-log.ts';
import type { FamilyFilter } from '../../src/ports/stores/token-families.ts';
import { NOW, someFamily } from './families.ts';

/** A search that an operator or a user can run. */
export interface Search {
  readonly name: string;
  /** The names of the indexes that it may read, as a regular expression. */
  readonly index: string;
  /** The most rows that its plan reads from tables and indexes, however many there are. */
  readonly mostRows: number;
  readonly query: PendingQuery<Row[]>;
}

const LIMIT = 21;
const DAY = 86_400_000;

/** The most rows that a page reads: for each item its own row, and rows of other tables about it. */
const PAGE_ROWS = LIMIT * 20;

/** The user id to which {@link fillSearchedTables} gives a tenth of all ended sessions and of all events. */
const BUSY = idOf(7);
const IDLE = idOf(11);

/** A webhook that got its last deliveries long ago. */
const OLD_ENDPOINT = idOf(1);
const NEW_ENDPOINT = idOf(2);

/** The id of the user with this number. */
function idOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

const timeOf = (number: number) => NOW + number * 1_000;

type UserSearch = readonly [filter: UserFilter, index: string, positionOf: (number: number) => string];

const USERS: Readonly<Record<string, UserSearch>> = {
  'users, newest first': [{ by: 'age' }, 'users_by_age', (number) => `${timeOf(number)}.${idOf(number)}`],
  'users by the beginning of a name': [
    { by: 'identifier', text: 'user' },
    'user_identifiers_by_text',
    (number) => `user${number}`,
  ],
  'users by the beginning of an id': [
    { by: 'id', first: idOf(0), last: '00000000-0000-4000-8000-ffffffffffff' },
    'users_pkey',
    idOf,
  ],
  'disabled users': [{ by: 'disabled' }, 'user_states_disabled', idOf],
  operators: [{ by: 'role' }, 'users_with_roles', idOf],
};

const BY_AGE = 'token_families_by_age';
const REVOKED_BY_AGE = 'token_families_revoked_by_age';
const OF_USER = 'token_families_of_user';

const SESSIONS: Readonly<Record<string, readonly [Partial<FamilyFilter>, string]>> = {
  'sessions, newest first': [{}, BY_AGE],
  'sessions by an address that no session has': [{ address: '198.51.100.7' }, BY_AGE],
  'sessions by a user agent that no session has': [{ agent: 'firefox' }, BY_AGE],
  'sessions by a client that no session has': [{ clientId: 'unknown' }, BY_AGE],
  'ended sessions, newest first': [{ state: 'ended' }, REVOKED_BY_AGE],
  'ended sessions by an address that no session has': [
    { state: 'ended', address: '198.51.100.7' },
    REVOKED_BY_AGE,
  ],
  'all sessions, newest first': [{ state: 'all' }, REVOKED_BY_AGE],
  'all sessions by an address that no session has': [
    { state: 'all', address: '198.51.100.7' },
    REVOKED_BY_AGE,
  ],
  'live sessions of a user': [{ userId: IDLE }, 'token_families_(of_user|unrevoked)'],
  'live sessions of a busy user': [{ userId: BUSY }, 'token_families_(of_user|unrevoked)'],
  'ended sessions of a busy user': [{ userId: BUSY, state: 'ended' }, OF_USER],
  'all sessions of a busy user': [{ userId: BUSY, state: 'all' }, OF_USER],
  'sessions of a busy user by a client that no session has': [
    { userId: BUSY, state: 'all', clientId: 'unknown' },
    OF_USER,
  ],
};

const OF_TYPE = 'security_events_of_type';
const BY_TIME = 'security_events_(by_time|unsealed)';
const EVENTS_OF_USER = 'security_events_of_user';

const EVENTS: Readonly<Record<string, readonly [AuditFilter, string]>> = {
  events: [{}, BY_TIME],
  'events of a period': [{ from: timeOf(10), to: timeOf(20) }, BY_TIME],
  'incidents: events of a rare type': [{ types: ['sessions.reuse_detected'] }, OF_TYPE],
  'incidents: events of a rare type and a period': [
    { types: ['sessions.reuse_detected'], from: timeOf(1_000) },
    OF_TYPE,
  ],
  'events of a type that was frequent once': [{ types: ['sessions.started'] }, OF_TYPE],
  'events of a type that is frequent': [{ types: ['users.imported'] }, OF_TYPE],
  'events of several types': [
    { types: ['sessions.reuse_detected', 'sessions.started', 'users.deleted'] },
    OF_TYPE,
  ],
  'events of a user': [{ userId: IDLE }, EVENTS_OF_USER],
  'events of a busy user': [{ userId: BUSY }, EVENTS_OF_USER],
  'events of a busy user and a rare type': [
    { userId: BUSY, types: ['sessions.reuse_detected'] },
    EVENTS_OF_USER,
  ],
  'events of a session': [{ sessionId: IDLE }, 'security_events_of_session'],
  'activity of a user': [{ userId: IDLE, types: ACTIVITY_TYPES }, EVENTS_OF_USER],
  'activity of a busy user': [{ userId: BUSY, types: ACTIVITY_TYPES }, EVENTS_OF_USER],
};

/**
 * All searches among `count` rows. Each search runs from the beginning and from the middle of its list. Searches for
 * events run in both orders.
 */
export function searchesOn(sql: Sql, count: number): readonly Search[] {
  const middle = Math.floor(count / 2);
  const begin = { now: NOW + DAY, limit: LIMIT, after: null };
  return [...userSearches(), ...sessionSearches(), ...eventSearches(), ...deliverySearches()];

  function userSearches(): Search[] {
    return Object.entries(USERS).flatMap(([name, [filter, index, positionOf]]) =>
      [null, positionOf(middle)].map((after) =>
        search(name, index, after, listSql(sql, filter, { ...begin, after }), PAGE_ROWS),
      ),
    );
  }

  function sessionSearches(): Search[] {
    return Object.entries(SESSIONS).flatMap(([name, [filter, index]]) =>
      [null, { createdAt: timeOf(middle), tokenFamily: BUSY }].map((after) => {
        const query = searchSql(sql, { userId: null, state: 'live', ...filter }, { ...begin, after });
        // Revoked sessions and all others are two scans.
        return search(name, index, after, query, 2 * MAX_SCANNED_ROWS + PAGE_ROWS);
      }),
    );
  }

  function eventSearches(): Search[] {
    return Object.entries(EVENTS).flatMap(([name, [filter, index]]) =>
      [true, false].flatMap((newestFirst) =>
        [null, { occurredAt: timeOf(middle), id: BUSY }].map((after) => {
          const query = listEventsSql(sql, filter, { limit: LIMIT, after, newestFirst });
          const isOfOwner = filter.userId !== undefined || filter.sessionId !== undefined;
          const order = newestFirst ? 'newest' : 'oldest';
          return search(
            `${name}, ${order} first`,
            index,
            after,
            query,
            isOfOwner ? MAX_SCANNED_EVENTS + PAGE_ROWS : PAGE_ROWS,
          );
        }),
      ),
    );
  }

  function deliverySearches(): Search[] {
    return [OLD_ENDPOINT, NEW_ENDPOINT].flatMap((endpoint) =>
      [null, { occurredAt: timeOf(middle), eventId: BUSY }].map((after) =>
        search(
          `deliveries of a webhook whose latest are ${endpoint === OLD_ENDPOINT ? 'old' : 'new'}`,
          'webhook_deliveries_by_time',
          after,
          listDeliveriesSql(sql, endpoint, LIMIT, after),
          PAGE_ROWS,
        ),
      ),
    );
  }
}

function search(name: string, index: string, after: unknown, query: unknown, mostRows: number): Search {
  const shown = after === null ? name : `${name}, further on`;
  return { name: shown, index, mostRows, query: query as Search['query'] };
}

/**
 * Fills the tables with `count` users. For each user there is a live session, an ended session, an event and a
 * delivery. The types of events and the endpoints of deliveries change with time, so that the statistics of a whole
 * table mislead the planner. To save time, PostgreSQL generates the rows, and the indexes are built after them.
 */
export async function fillSearchedTables(sql: Sql, count: number): Promise<void> {
  const families = createTokenFamilies(sql, { sessionsPerUser: 100 });
  const family = someFamily({ expiresAt: NOW + 90 * DAY, refreshExpiresAt: NOW + 90 * DAY });
  await families.open(family, []);
  await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`;
    await tx`set local maintenance_work_mem = '512MB'`;
    for (const table of FILLED) await tx`alter table ${tx(table)} disable trigger user`;
    const indexes = await dropIndexes(tx);
    await insertRows(tx, count, family.tokenFamily);
    for (const { definition } of indexes) await tx.unsafe(definition);
    for (const table of FILLED) await tx`alter table ${tx(table)} enable trigger user`;
  });
  await sql`vacuum (analyze)`;
}

const FILLED = [
  'users',
  'user_identifiers',
  'user_states',
  'user_factors',
  'token_families',
  'security_events',
  'webhook_deliveries',
];

/** Drops the indexes that no constraint needs. */
async function dropIndexes(tx: TransactionSql) {
  const indexes = await tx<{ name: string; definition: string }[]>`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
    where indrelid = any (${FILLED}::text[]::regclass[])
      and not exists (select from pg_constraint where conindid = indexrelid)`;
  for (const { name } of indexes) await tx.unsafe(`drop index ${name}`);
  return indexes;
}

async function insertRows(tx: TransactionSql, count: number, tokenFamily: string): Promise<void> {
  const numbers = tx`generate_series(1, ${count}::integer) n`;
  const id = tx`('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  const time = tx`${new Date(NOW)}::timestamptz + n * interval '1 second'`;
  const isOld = tx`n <= ${count / 2}::integer`;
  const isBusy = tx`n % 10 = 0`;
  await tx`
    insert into users (id, username, email, password_hash, created_at, roles)
    select ${id}, 'user' || n, 'user' || n || '@example.com', 'none', ${time},
      case when n % 1000 = 0 then '{operator}'::text[] else '{}' end
    from ${numbers}`;
  await tx`insert into user_identifiers select username, id from users union all select email, id from users`;
  await tx`
    insert into user_states (user_id, disabled_at)
    select id, case when username like '%99' then created_at end from users
    on conflict (user_id) do nothing`;
  await tx`
    insert into user_factors (id, user_id, kind, label, created_at, confirmed_at)
    select id, id, 'totp', 'app', created_at, created_at from users`;
  await copyFamily(tx, count, tokenFamily);
  await tx`
    insert into security_events (id, occurred_at, type, user_id, session_id, actor, data)
    select ${id}, ${time},
      case when n <= 5 then 'sessions.reuse_detected' when n % 1000 = 1 then 'users.deleted'
        when ${isOld} then 'sessions.started' else 'users.imported' end,
      case when ${isBusy} then ${BUSY}::uuid else ${id} end, ${id}, 'user', '{}'
    from ${numbers}`;
  await tx`
    insert into webhook_deliveries (endpoint_id, event_id, type, data, occurred_at, state, due_at)
    select case when ${isOld} and n % 2 = 0 then ${OLD_ENDPOINT}::uuid else ${NEW_ENDPOINT}::uuid end, ${id}, 'sessions.started', '{}',
      ${time}, case when n % 1000 = 0 then 'pending' else 'delivered' end, ${time}
    from ${numbers}`;
}

/**
 * Two copies of a family for each user: a live one, and one that was revoked. A tenth of the revoked ones belong to one
 * user.
 */
async function copyFamily(tx: TransactionSql, count: number, tokenFamily: string): Promise<void> {
  const columns = await tx<{ name: string }[]>`
    select column_name as name from information_schema.columns
    where table_schema = current_schema() and table_name = 'token_families'`;
  const names = columns.map(({ name }) => name);
  const generatedId = (prefix: string) => `('${prefix}-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  const time = `timestamptz '${new Date(NOW).toISOString()}' + n * interval '1 second'`;
  const copies: Readonly<Record<string, string>>[] = [
    { token_family: generatedId('00000001'), user_id: generatedId('00000000') },
    {
      ...{ token_family: generatedId('00000002'), revoked_at: time, revoked_reason: "'logout'" },
      user_id: `case when n % 10 = 0 then '${BUSY}'::uuid else ${generatedId('00000000')} end`,
    },
  ];
  for (const copy of copies) {
    const values: Readonly<Record<string, string>> = { created_at: time, ...copy };
    const selected = names.map((name) => values[name] ?? `given."${name}"`).join(', ');
    await tx`
      insert into token_families (${tx(names)})
      select ${tx.unsafe(selected)} from generate_series(1, ${count}::integer) n, token_families given
      where given.token_family = ${tokenFamily}`;
  }
}

/** What a search did. */
export interface Measurement {
  readonly milliseconds: number;
  /** Rows that all scans of the plan read, including rows that a filter removed. */
  readonly rows: number;
  /** Reads of pages of 8 KiB. A page that is read twice counts twice. */
  readonly buffers: number;
  readonly index: string;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

/** Runs a search, and returns what it read. */
export async function measureSearch(sql: Executor, { query }: Search): Promise<Measurement> {
  const [answer] = await sql<{ 'QUERY PLAN': { Plan: PlanNode; 'Execution Time': number }[] }[]>`
    explain (analyze, buffers, format json) ${query}`;
  const [found] = answer?.['QUERY PLAN'] ?? [];
  if (found === undefined) throw new Error('PostgreSQL returned no plan.');
  const root = found.Plan;
  const scans = scansIn(root);
  return {
    milliseconds: found['Execution Time'],
    rows: scans.reduce((sum, node) => sum + rowsOf(node), 0),
    buffers: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
    index: [...scans].sort((one, other) => rowsOf(other) - rowsOf(one))[0]?.['Index Name'] ?? 'none',
  };
}

function scansIn(node: PlanNode): PlanNode[] {
  const inner = (node.Plans ?? []).flatMap(scansIn);
  return /^(Seq|Index|Index Only|Bitmap Heap|Bitmap Index) Scan$/.test(node['Node Type'])
    ? [node, ...inner]
    : inner;
}

function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return Math.round((node['Actual Rows'] + removed) * node['Actual Loops']);
}

/** The plan of a search, as text. */
export async function planOf(sql: Executor, { query }: Search): Promise<string> {
  const rows = await sql<{ 'QUERY PLAN': string }[]>`explain ${query}`;
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
