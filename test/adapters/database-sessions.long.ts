import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import Postgrator from 'postgrator';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { parseConnectionUrl } from '../../src/adapters/postgres/connection/url.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { ping } from '../../src/adapters/postgres/ping.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { rotationOf, someFamily } from '../support/families.ts';
import { freePort } from '../support/ports.ts';
import { postgresServer, requirePostgres, testDatabase, testRole } from '../support/postgres.ts';
import { startPrivatePostgres } from '../support/private-postgres.ts';
import { evalArguments, modulePath } from '../support/program.ts';
import { proxyTo } from '../support/tcp-proxy.ts';
import { waitForValue } from '../support/wait-until.ts';

/**
 * Tests of connections to PostgreSQL: neither the role nor the environment changes how values are read. A lost
 * connection is replaced. The tables are created beside the tables of other programs.
 */

function open(t: Test, url: string, more: { schema?: string; pool?: number } = {}): Sql {
  const sql = connect({ kind: 'url', url, pool: 1, ...more });
  t.teardown(() => sql.end({ timeout: 1 }));
  return sql;
}

t.test('the settings of a session', async (t) => {
  if (!(await requirePostgres(t))) return;

  const hostile: Record<string, string>[] = [
    { datestyle: 'SQL, DMY', timezone: 'Asia/Kolkata' },
    { datestyle: 'German', intervalstyle: 'sql_standard' },
    { bytea_output: 'escape', default_transaction_isolation: 'serializable', statement_timeout: '0' },
  ];
  for (const settings of hostile)
    await t.test(`a family is read unchanged with ${JSON.stringify(settings)}`, async (t) => {
      const sql = open(t, await testRole(t, await testDatabase(t), settings));
      await migrate(sql);
      const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
      const family = someFamily({ knownSinceLogin: ['a "b"', 'c,\\d', ''] });
      await families.open(family, []);
      t.strictSame(await families.find(family.tokenFamily), family);
      const rotation = rotationOf(family);
      t.ok(await families.rotate(rotation, []));
      t.match(await families.find(family.tokenFamily), { ...rotation.next });
      const [row] = await sql`select current_setting('statement_timeout') as timeout`;
      t.equal(row?.timeout, '4s');
    });

  await t.test('a NULL in an array is not read as text', async (t) => {
    const sql = open(t, await testRole(t, await testDatabase(t), { array_nulls: 'off' }));
    const list = ['a', null, 'NULL', '', '\\"'];
    t.same([...(await sql`select ${list}::text[] as list`)], [{ list }]);
    const [count] =
      await sql`select count(*)::int as n from unnest(${list}::text[]) as one (text) where text is null`;
    t.equal(count?.n, 1);
  });

  await t.test('variables of libpq in the environment change nothing', async (t) => {
    const url = await testDatabase(t);
    const wrong = {
      PGHOST: '192.0.2.1',
      PGPORT: '1',
      PGUSER: 'nobody',
      PGPASSWORD: 'x',
      PGDATABASE: 'none',
      PGSSL: 'require',
      PGAPPNAME: 'wrong',
      PGTARGETSESSIONATTRS: 'standby',
      PGFETCH_TYPES: 'true',
      PGPREPARE: 'false',
    };
    const script = `
      import { connect } from '${modulePath('src/adapters/postgres/connect.ts')}';
      const sql = connect({ kind: 'url', url: ${JSON.stringify(url)}, pool: 1 });
      const [row] = await sql\`select current_setting('application_name') as name\`;
      process.stdout.write(row.name);
      await sql.end();`;
    const args = evalArguments(script);
    const env = { PATH: process.env.PATH, ...wrong };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    t.equal(stdout, 'kinship');
  });

  await t.test('a database in another encoding is refused with the reason', async (t) => {
    const admin = postgres((await postgresServer())!, { max: 1, onnotice: () => {} });
    t.teardown(() => admin.end({ timeout: 1 }));
    for (const encoding of ['LATIN1', 'SQL_ASCII']) {
      const name = `kinship_test_${randomBytes(8).toString('hex')}`;
      await admin.unsafe(
        `create database ${name} template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`,
      );
      t.teardown(() => admin.unsafe(`drop database ${name} with (force)`));
      const url = new URL((await postgresServer())!);
      url.pathname = `/${name}`;
      const sql = connect({ kind: 'url', url: url.href, pool: 1 });
      await t.rejects(migrate(sql), {
        message: `The database has the encoding ${encoding}. Create one with the encoding UTF8.`,
      });
      await sql.end({ timeout: 1 });
    }
  });

  await t.test('an idle connection stays open beyond the idle timeout of the server', async (t) => {
    const server = await startPrivatePostgres(t, { settings: { idle_session_timeout: '200ms' } });
    const sql = open(t, server.url);
    const [before] = await sql`select pg_backend_pid() as pid`;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    t.strictSame([...(await sql`select pg_backend_pid() as pid`)], [before]);
  });
});

t.test('a connection that is cut at any moment of its start throws nothing uncaught', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { proxy, url } = await proxyTo(t, await testDatabase(t));
  const thrown: unknown[] = [];
  const note = (error: unknown) => thrown.push(error);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, note);
    t.teardown(() => process.off(event, note));
  }
  proxy.delayMs = 2;
  let refused = 0;
  for (let moment = 0; moment < 30; moment += 1) {
    const sql = connect({ kind: 'url', url, pool: 2 });
    const statements = Array.from({ length: 4 }, () => sql`select ${['a']}::text[] as list`);
    const settled = Promise.allSettled(statements);
    await new Promise((resolve) => setTimeout(resolve, moment));
    proxy.cut();
    refused += (await settled).filter(({ status }) => status === 'rejected').length;
    // The next statement may be sent before the driver notices that its connection was cut.
    const rows = await waitForValue(
      'a statement to be answered',
      () => sql`select ${['b', 'c']}::text[] as list`,
    );
    t.same([...rows], [{ list: ['b', 'c'] }]);
    await sql.end({ timeout: 1 });
  }
  t.ok(refused > 0, 'some statements were lost');
  t.same(thrown, [], 'no uncaught exception occurs');
});

t.test(
  'statements during the loss of a new connection settle, and later statements are answered',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const { proxy, url } = await proxyTo(t, await testDatabase(t));
    const next = (sql: Sql) => waitForValue('an answer', () => sql`select ${['b', 'c']}::text[] as list`);

    await t.test('a statement that follows the error of a lost statement is answered', async (t) => {
      const sql = open(t, url);
      await sql`select 1`;
      const lost = sql`select pg_sleep(60)`.then(
        () => 'answered',
        () => next(sql), // in the same turn of the event loop
      );
      setTimeout(() => proxy.reset(), 50);
      t.same(await lost, [{ list: ['b', 'c'] }]);
    });

    await t.test(
      'each statement in any turn of the event loop is answered or reports the loss',
      async (t) => {
        for (let round = 0; round < 20; round += 1) {
          const sql = open(t, url);
          await sql`select 1`;
          setTimeout(() => proxy.reset(), 5);
          const settled: Promise<string>[] = [];
          for (const end = performance.now() + 40; performance.now() < end; await turn())
            settled.push(
              sql`select ${['b', 'c']}::text[] as list`.then(
                (rows) => JSON.stringify(rows),
                ({ code }) => code,
              ),
            );
          const answers = new Set(await Promise.all(settled));
          answers.delete('ECONNRESET');
          answers.delete('CONNECTION_CLOSED');
          answers.delete('CONNECTION_LOST');
          t.same(
            [...answers],
            ['[{"list":["b","c"]}]'],
            'each statement gets its row, or fails because its connection was lost',
          );
        }
      },
    );
  },
);

t.test('hosts are tried in turn until one has the requested attributes', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = new URL(await testDatabase(t));
  const hosts = (other: string) =>
    `postgres://${url.username}@${other},${url.hostname}:${url.port || 5432}${url.pathname}`;
  const away = `127.0.0.1:${await freePort()}`;
  const sql = open(t, `${hosts(away)}?target_session_attrs=read-write`);
  t.match(await sql`select 1 as one`, [{ one: 1 }]);
  const readOnly = await testRole(t, url.href, { default_transaction_read_only: 'on' });
  const refused = open(t, `${readOnly}?target_session_attrs=read-write`);
  await t.rejects(refused`select 1`, { code: 'NO_SUITABLE_SERVER' });
});

t.test('tables', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test(
    'tables of the service are created beside tables of another program, and its list of migrations does not change',
    async (t) => {
      const sql = open(t, await testDatabase(t));
      await sql`create table schema_migrations (version varchar primary key)`;
      await sql`insert into schema_migrations values ('20240101000000')`;
      await t.rejects(ping(sql), { message: /^These tables are missing: token_families/ });
      t.ok((await migrate(sql)).length > 5);
      await ping(sql);
      await sql`create schema elsewhere`;
      const tables = await sql<{ name: string }[]>`
        select tablename as name from pg_tables
        where schemaname = 'public' and tablename not in ('schema_migrations', 'kinship_migrations')`;
      for (const { name } of tables) {
        await sql`alter table ${sql(name)} set schema elsewhere`;
        await t.rejects(ping(sql), { message: `These tables are missing: ${name}.` }, name);
        await sql`alter table elsewhere.${sql(name)} set schema public`;
      }
      t.same([...(await sql`select * from schema_migrations`)], [{ version: '20240101000000' }]);
      t.same(await migrate(sql), []);
    },
  );

  await t.test(
    'tables of an older release are not created again, and the list of its migrations is kept',
    async (t) => {
      const sql = open(t, await testDatabase(t));
      await migrate(sql);
      const read = (table: string) => sql`select * from ${sql(table)} order by version`;
      const rows = [...(await read('kinship_migrations'))];
      await sql`alter table kinship_migrations rename to schema_migrations`;
      t.same(await migrate(sql), []);
      t.same([...(await read('kinship_migrations'))], rows);
      t.same([...(await read('schema_migrations'))], rows);
    },
  );

  await t.test(
    'an older release refuses to start on newer tables, and starts after the statements in docs/database.md',
    async (t) => {
      const sql = open(t, await testDatabase(t));
      await migrate(sql);
      const migrations = () => sql`select * from kinship_migrations order by version`;
      const before = [...(await migrations())];
      await t.rejects(migrateAsOlderRelease(sql), { code: '42P07' });
      t.same(
        [...(await sql`select to_regclass('schema_migrations') as name`)],
        [{ name: null }],
        'nothing is left',
      );

      const [, statements = ''] =
        /```sql\n(create table schema_migrations[^`]*)```/.exec(readFileSync('docs/database.md', 'utf8')) ??
        [];
      await sql.unsafe(statements).simple();
      t.same(await migrateAsOlderRelease(sql), []);
      t.same(await migrate(sql), []);
      t.same([...(await migrations())], before);
    },
  );

  await t.test('tables are created in the configured schema only', async (t) => {
    const url = await testDatabase(t);
    const sql = open(t, url, { schema: 'own_schema' });
    await migrate(sql);
    await ping(sql);
    const tables =
      await sql`select distinct schemaname as name from pg_tables where tablename ~ 'token|kinship'`;
    t.same([...tables], [{ name: 'own_schema' }]);
    const family = someFamily();
    await createTokenFamilies(sql, { sessionsPerUser: 50 }).open(family, []);
    t.same(await createTokenFamilies(sql, { sessionsPerUser: 50 }).find(family.tokenFamily), family);
    t.same(await migrate(open(t, url, { schema: 'own_schema' })), []);
  });
});

/** Writes the list of migrations as older releases did, in `schema_migrations`. */
function migrateAsOlderRelease(sql: Sql): Promise<unknown> {
  return sql.begin(async (tx) => {
    const postgrator = new Postgrator({
      migrationPattern: 'migrations/*.sql',
      driver: 'pg',
      database: (await tx<[{ name: string }]>`select current_database() as name`)[0].name,
      schemaTable: 'schema_migrations',
      execQuery: async (text) => ({ rows: await tx.unsafe(text) }),
      execSqlScript: async (text) => void (await tx.unsafe(text).simple()),
    });
    return postgrator.migrate();
  });
}

t.test('a connection URL is read as libpq reads it', async (t) => {
  t.match(parseConnectionUrl('postgresql://me:p%40ss:w@a:1,[::1]:2,c/db?sslmode=require&connect_timeout=7'), {
    hosts: [
      { host: 'a', port: 1, path: null },
      { host: '::1', port: 2, path: null },
      { host: 'c', port: 5432, path: null },
    ],
    user: 'me',
    password: 'p@ss:w',
    database: 'db',
    tls: 'verify-full',
    connectTimeout: 7_000,
    applicationName: 'kinship',
    role: 'any',
  });
  t.match(parseConnectionUrl('postgres:///db?host=/run/pg&port=6&user=me&application_name=x&keepalives=0'), {
    hosts: [{ path: '/run/pg/.s.PGSQL.6' }],
    applicationName: 'x',
    keepAlive: null,
  });
  t.match(parseConnectionUrl('postgres://me@%2Frun%2Fpg/db'), { hosts: [{ path: '/run/pg/.s.PGSQL.5432' }] });
  t.match(parseConnectionUrl('postgres://me@a?options=-c%20lock_timeout%3D1s%20--work-mem=4MB'), {
    database: 'me',
    settings: { lock_timeout: '1s', work_mem: '4MB' },
  });
  t.match(parseConnectionUrl('postgres://a/b?sslrootcert=system'), { tls: 'verify-full' });
  t.throws(() => parseConnectionUrl('postgres://a/b?service=x&gssencmode=require'), {
    message: /parameter service: it is not supported\..*gssencmode: only disable or prefer/,
  });
});
