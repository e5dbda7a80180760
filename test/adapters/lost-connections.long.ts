import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { createConnector } from '../../src/adapters/postgres/connection/driver-socket.ts';
import { parseConnectionUrl } from '../../src/adapters/postgres/connection/url.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { proxyTo } from '../support/tcp-proxy.ts';

/** `answered` if the statement succeeds. Otherwise the `outcome` of its error, or else the message. */
async function outcome(statement: PromiseLike<unknown>): Promise<unknown> {
  return execute(statement).then(
    () => 'answered',
    ({ outcome, message }) => outcome ?? message,
  );
}

async function openPool(t: Test, max: number) {
  const { proxy, url } = await proxyTo(t, await testDatabase(t));
  const sql = connect({ kind: 'url', url, pool: max });
  t.teardown(() => sql.end({ timeout: 1 }));
  await warmUp(sql, max);
  return { sql, proxy };
}

/** Resolves when every connection is open and the pool is old enough to be replaced. */
async function warmUp(sql: Sql, max: number): Promise<void> {
  await Promise.all(Array.from({ length: max }, () => sql`select pg_sleep(0.1)`));
  await delay(1_000);
}

t.test('a statement without a database is rejected', async (t) => {
  const outcomesOn = async (port: number) => {
    const sql = connect({ kind: 'url', url: `postgres://kinship@127.0.0.1:${port}/kinship`, pool: 2 });
    t.teardown(() => sql.end({ timeout: 1 }));
    return Promise.all(Array.from({ length: 5 }, () => outcome(sql`select 1`)));
  };

  await t.test('a statement to a closed port has the outcome `nothing`: it had no effect', async (t) => {
    t.same(new Set(await outcomesOn(await freePort())), new Set(['nothing']));
  });

  await t.test(
    'a statement through a proxy that closes the connection has the outcome `unknown`',
    async (t) => {
      const proxy = createServer((socket) => socket.resume().end());
      await once(proxy.listen(0, '127.0.0.1'), 'listening');
      t.teardown(() => void proxy.close());
      t.same(new Set(await outcomesOn((proxy.address() as AddressInfo).port)), new Set(['unknown']));
    },
  );
});

t.test('a pool that loses its connections', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('serves the next statement, even with unsent bytes', async (t) => {
    const { sql, proxy } = await openPool(t, 2);
    let lost = false;
    const first = outcome(sql`select pg_sleep(5)`).finally(() => {
      lost = true;
    });
    await delay(50);
    proxy.cut();
    // Sends one statement in each turn of the event loop. So some are unsent when the loss is detected.
    const meanwhile = [first];
    while (!lost) {
      meanwhile.push(outcome(sql`select 1`));
      await new Promise(setImmediate);
    }
    await Promise.all(meanwhile);
    const next = await Promise.all(Array.from({ length: 10 }, () => outcome(sql`select 1`)));
    t.same(new Set(next), new Set(['answered']));
  });

  await t.test('completes statements of two seconds on its other connections', async (t) => {
    const { sql } = await openPool(t, 2);
    const slow = outcome(sql`select pg_sleep(2)`);
    const lost = outcome(sql`select pg_terminate_backend(pg_backend_pid())`);
    t.same(await Promise.all([lost, slow]), ['unknown', 'answered']);
  });

  await t.test('is not replaced if the driver itself ended a connection', async (t) => {
    const url = await testDatabase(t);
    let losses = 0;
    const target = parseConnectionUrl(url);
    const connector = createConnector(target, { ...target, pooler: 'session', schema: null });
    const onLost = () => {
      losses += 1;
    };
    const options = { max: 1, fetch_types: false, socket: () => connector(onLost) };
    const ended = postgres(url, options as object);
    await ended`select 1`;
    await ended.end();
    t.equal(losses, 0);
    const cut = postgres(url, options as object);
    await cut`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
    t.equal(losses, 1);
    await cut.end({ timeout: 1 });
  });

  await t.test('rejects a transaction without an uncaught exception', async (t) => {
    const { sql, proxy } = await openPool(t, 1);
    const thrown: unknown[] = [];
    const note = (error: unknown) => thrown.push(error);
    process.on('uncaughtException', note);
    t.teardown(() => process.off('uncaughtException', note));
    const transaction = outcome(sql.begin((tx) => tx`select pg_sleep(5)`));
    await delay(50);
    proxy.cut();
    t.equal(await transaction, 'unknown');
    await delay(50);
    t.same(thrown, []);
    t.equal(await outcome(sql`select 1`), 'answered');
  });

  await t.test('rolls back a transaction that fails for another reason', async (t) => {
    const { sql } = await openPool(t, 1);
    await sql`create table kept (n int)`;
    const failing = sql.begin(async (tx) => {
      await tx`insert into kept values (1)`;
      throw new Error('on second thoughts');
    });
    await t.rejects(failing, { message: 'on second thoughts' });
    t.same([...(await sql`select * from kept`)], []);
  });

  await t.test('stays ended after its end', async (t) => {
    const { sql, proxy } = await openPool(t, 1);
    const last = outcome(sql`select pg_sleep(5)`);
    await delay(50);
    const ended = sql.end({ timeout: 1 });
    proxy.cut();
    t.equal(await last, 'unknown');
    await ended;
    t.equal(await outcome(sql`select 1`), 'unknown');
  });
});

t.test(
  'a ready connection that ends with any error is a lost connection, also in a transaction',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const url = await testDatabase(t);
    const sql = connect({ kind: 'url', url, pool: 1 });
    t.teardown(() => sql.end({ timeout: 1 }));
    for (const code of [
      'EPROTO',
      'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
      'ENETDOWN',
      'ECONNABORTED',
    ]) {
      const failing = [
        () => outcome(sql`select pg_sleep(5)`),
        () => outcome(sql.begin((tx) => tx`select pg_sleep(5)`)),
      ];
      for (const start of failing) {
        await sql`select 1`;
        const ended = start();
        await delay(50);
        for (const socket of socketsTo(url)) socket.destroy(Object.assign(new Error('broken'), { code }));
        t.equal(await ended, 'unknown', code);
      }
    }
    t.equal(await outcome(sql`select 1`), 'answered');
  },
);

function socketsTo(url: string): Socket[] {
  const port = Number(new URL(url).port || 5432);
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }; // not in the types of Node
  return handles().filter((each): each is Socket => each instanceof Socket && each.remotePort === port);
}
