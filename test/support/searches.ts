import type { PendingQuery, Row } from 'postgres';
import { listEventsSql } from '../../src/adapters/postgres/audit-log.ts';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { searchSql } from '../../src/adapters/postgres/search-families.ts';
import { listSql } from '../../src/adapters/postgres/user-directory.ts';
import type { Executor } from '../../src/adapters/postgres/with-outbox.ts';
import { ACTIVITY_TYPES } from '../../src/app/audit/list-activity.ts';
import type { UserFilter } from '../../src/domain/user-directory.ts';
import type { AuditFilter } from '../../src/ports/stores/audit-log.ts';
import type { FamilyFilter } from '../../src/ports/stores/token-families.ts';
import { NOW, someFamily } from './families.ts';
import type { SqlStores } from './open-stores.ts';

/** A search of operators or users, and the index that it reads. */
export interface Search {
  readonly name: string;
  readonly index: string;
  readonly query: PendingQuery<Row[]>;
}

const LIMIT = 21;
const DAY = 86_400_000;

/** One of the user ids of {@link fillSearched}. */
const USER = '00000000-0000-4000-8000-000000000007';

const USERS: Readonly<Record<string, readonly [UserFilter, string]>> = {
  'users, newest first': [{ by: 'age' }, 'users_by_age'],
  'users by the beginning of a name': [{ by: 'identifier', text: 'user1' }, 'user_identifiers_by_text'],
  'users by the beginning of an id': [
    {
      by: 'id',
      first: '00000000-0000-4000-8000-000000000000',
      last: '00000000-0000-4000-8000-0000000000ff',
    },
    'users_pkey',
  ],
  'disabled users': [{ by: 'disabled' }, 'user_states_disabled'],
  operators: [{ by: 'role' }, 'users_with_roles'],
};

const BY_AGE = 'token_families_by_age';

const SESSIONS: Readonly<Record<string, readonly [Partial<FamilyFilter>, string]>> = {
  'sessions, newest first': [{}, BY_AGE],
  'sessions by address': [{ address: '198.51.100.7' }, BY_AGE],
  'sessions by user agent': [{ agent: 'firefox' }, BY_AGE],
  'sessions by client': [{ clientId: 'unknown' }, BY_AGE],
  'ended sessions, newest first': [{ state: 'ended' }, 'token_families_revoked_by_age'],
  'all sessions by address': [{ state: 'all', address: '198.51.100.7' }, 'token_families_revoked_by_age'],
  'live sessions of a user': [{ userId: USER }, 'token_families_(of_user|unrevoked)'],
  'ended sessions of a user': [{ userId: USER, state: 'ended' }, 'token_families_of_user'],
  'all sessions of a user': [{ userId: USER, state: 'all' }, 'token_families_of_user'],
};

const EVENTS: Readonly<Record<string, readonly [AuditFilter, string]>> = {
  events: [{}, 'security_events_(by_time|unsealed)'],
  'events of a type': [{ types: ['users.deleted'] }, 'security_events_of_type'],
  'events of a frequent type': [
    { types: ['sessions.started'] },
    'security_events_(of_type|by_time|unsealed)',
  ],
  'events of a user': [{ userId: USER }, 'security_events_of_user'],
  'events of a session': [{ sessionId: USER }, 'security_events_of_session'],
  'events of a time': [{ from: NOW + 10_000, to: NOW + 20_000 }, 'security_events_(by_time|unsealed)'],
  'activity of a user': [{ userId: USER, types: ACTIVITY_TYPES }, 'security_events_of_user'],
};

/** All searches, each on its first page and, for events, in both orders. */
export function searchesOn(sql: Sql): readonly Search[] {
  const page = { now: NOW + DAY, limit: LIMIT, after: null };
  const everywhere = { userId: null, state: 'live' } as const;
  return [
    ...Object.entries(USERS).map(([name, [filter, index]]) => ({
      ...{ name, index, query: listSql(sql, filter, page) },
    })),
    ...Object.entries(SESSIONS).map(([name, [filter, index]]) => ({
      ...{ name, index, query: searchSql(sql, { ...everywhere, ...filter }, page) },
    })),
    ...Object.entries(EVENTS).flatMap(([name, [filter, index]]) =>
      [true, false].map((newestFirst) => ({
        name: `${name}, ${newestFirst ? 'newest' : 'oldest'} first`,
        index,
        query: listEventsSql(sql, filter, { limit: LIMIT, after: null, newestFirst }),
      })),
    ),
  ] as readonly unknown[] as readonly Search[];
}

/** Fills the tables with `count` users, a live session of each, and an event of each. */
export async function fillSearched({ sql, families }: Pick<SqlStores, 'sql' | 'families'>, count: number) {
  const idOf = sql`('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  const time = sql`${new Date(NOW)}::timestamptz + n * interval '1 second'`;
  await sql`
    insert into users (id, username, email, password_hash, created_at, roles)
    select ${idOf}, 'user' || n, 'user' || n || '@example.com', 'none', ${time},
      case when n % 1000 = 0 then '{operator}'::text[] else '{}' end
    from generate_series(1, ${count}::integer) n`;
  await sql`insert into user_identifiers select username, id from users union all select email, id from users`;
  const family = someFamily({ expiresAt: NOW + 90 * DAY, refreshExpiresAt: NOW + 90 * DAY });
  await families.open(family, []);
  await copyFamily(sql, family.tokenFamily);
  await sql`
    insert into security_events (id, occurred_at, type, user_id, session_id, actor, data)
    select gen_random_uuid(), ${time}, case when n % 1000 = 0 then 'users.deleted' else 'sessions.started' end,
      ${idOf}, ${idOf}, 'user', '{}'
    from generate_series(1, ${count}::integer) n`;
  await sql`
    insert into user_states (user_id, disabled_at)
    select id, case when username like '%99' then created_at end from users`;
  await sql`
    insert into user_factors (id, user_id, kind, label, created_at, confirmed_at)
    select gen_random_uuid(), id, 'totp', 'app', created_at, created_at from users`;
  await sql`analyze`;
}

/** Two copies of a family for each user: a live one, and one that was revoked. */
async function copyFamily(sql: Sql, tokenFamily: string): Promise<void> {
  const columns = await sql<{ name: string }[]>`
    select column_name as name from information_schema.columns where table_name = 'token_families'`;
  const names = columns.map(({ name }) => name);
  const revoked = { revoked_at: 'users.created_at', revoked_reason: "'logout'" };
  for (const ending of [{}, revoked]) {
    const values: Readonly<Record<string, string>> = {
      ...{ token_family: 'gen_random_uuid()', user_id: 'users.id', created_at: 'users.created_at' },
      ...ending,
    };
    const selected = names.map((name) => values[name] ?? `given."${name}"`).join(', ');
    await sql`
      insert into token_families (${sql(names)})
      select ${sql.unsafe(selected)} from users, token_families given where given.token_family = ${tokenFamily}`;
  }
}

/** The plan of a search, as text. With `isMeasured` the search runs, and the plan has its times. */
export async function planOf(sql: Executor, { query }: Search, isMeasured = false): Promise<string> {
  const how = isMeasured ? sql`(analyze, buffers)` : sql``;
  const rows = await sql<{ 'QUERY PLAN': string }[]>`explain ${how} ${query}`;
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
