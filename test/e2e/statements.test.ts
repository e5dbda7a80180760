import t from 'tap';
import { logIn, registerAndLogIn } from '../support/factors.ts';
import { startHttpService } from '../support/http.ts';
import { postgresStores } from '../support/open-stores.ts';
import { ELSEWHERE, outcome, sessionUseCases } from '../support/sessions.ts';

t.test('a refresh and a login use one or two statements', async (t) => {
  const statements: string[] = [];
  const stores = await postgresStores(t, 1, (text) => statements.push(text.trim().replaceAll(/\s+/g, ' ')));
  if (stores === null) return;
  const service = await sessionUseCases({ stores });
  const statementsOf = async (attempt: () => Promise<unknown>) => {
    statements.length = 0;
    await attempt();
    return statements.map((text) => text.split(' ').slice(0, 2).join(' '));
  };

  let pair = await service.logIn();
  await t.test('a rotation is one statement', async (t) => {
    for (const key of [undefined, 'k1', 'k2']) {
      const found = await statementsOf(async () => {
        pair = await service.refresh(pair, key === undefined ? {} : { key });
      });
      t.same(found, ['with unlocked']);
    }
  });

  await t.test('a rotation from a new address is one statement', async (t) => {
    const found = await statementsOf(async () => {
      pair = await service.refresh(pair, { client: ELSEWHERE });
    });
    t.same(found, ['with changed']);
    t.equal((await stores.sql`select 1 from outbox where kind = 'mail'`).count, 1);
  });

  await t.test('a token that can be refused without its row costs no statement', async (t) => {
    t.same(await statementsOf(() => outcome(service.refresh({ refresh: 'x.y.z' }))), []);
    t.same(await statementsOf(() => outcome(service.refresh({ refresh: pair.refresh }))), []);
  });

  await t.test('a login is one statement', async (t) => {
    t.same(await statementsOf(() => service.logIn()), ['with requested']);
  });

  await t.test('a login with a password finds the account and opens the session', async (t) => {
    const app = await startHttpService(t, { stores });
    await registerAndLogIn(app);
    const found = await statementsOf(async () => t.equal((await logIn(app, 'ann')).status, 200));
    t.same(found, ['select identifier,', 'with requested']);
  });

  await t.test(
    'at least 40 of 50 rotations are heap-only updates of PostgreSQL, which change no index',
    async (t) => {
      const before = await countUpdates();
      for (let round = 0; round < 50; round += 1) pair = await service.refresh(pair, { client: ELSEWHERE });
      const after = await countUpdates();
      t.equal(after.all - before.all, 50);
      // An update that finds no room on its page moves the row. An indexed column that changes would leave 0 of 50.
      t.ok(after.hot - before.hot >= 40, `${after.hot - before.hot} of 50`);
    },
  );

  /** PostgreSQL writes statistics at the end of a transaction, but at most once a second unless a flush is forced. */
  async function countUpdates(): Promise<{ all: number; hot: number }> {
    const sql = stores?.sql;
    if (sql === undefined) throw new Error('no database');
    await sql`select pg_stat_force_next_flush()`;
    const [row] = await sql`
      select n_tup_upd::int as all, n_tup_hot_upd::int as hot
      from pg_stat_user_tables where relname = 'token_families'`;
    return { all: row?.all, hot: row?.hot };
  }
});
