import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { lockFolder } from '../../src/adapters/postgres/embedded/lock.ts';
import { purgeSql } from '../../src/adapters/postgres/purge-sql.ts';
import { NOW, someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';
import { PROGRAM } from '../support/program.ts';

const DAY = 86_400_000;
const { PATH = '' } = process.env;

async function run(env: Record<string, string>, command = 'purge') {
  return promisify(execFile)(process.execPath, [...PROGRAM, command], { env: { PATH, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout, progress: stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr, progress: '' }),
  );
}

t.test('on PostgreSQL a purge removes expired sessions, unless another process is purging', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql, families } = stores;
  const env = { DATABASE_URL: stores.url, DATA_DIR: t.testdir() };
  const ends = [NOW - 90 * DAY, NOW - 91 * DAY, NOW - 92 * DAY, Date.now() - DAY, Date.now() + DAY];
  for (const expiresAt of ends) await families.open(someFamily({ expiresAt }), []);

  await sql.begin(async (tx) => {
    await purgeSql(tx, 0, 1);
    t.match(await run(env), {
      code: 0,
      text: /^0 sessions purged, 0 a second; another process is purging, and goes on\n$/,
    });
  });
  const { code, text, progress } = await run(env);
  t.equal(code, 0);
  t.match(text, /^3 sessions purged, [\d,]+ a second\n$/);
  t.match(progress, /^3 of 3 sessions purged, \d+ s\n$/);
  t.equal(
    (await sql`select from token_families`).count,
    2,
    'sessions whose tokens may be presented again are kept',
  );
});

t.test(
  'a purge of the embedded database is refused while another process has the database open',
  async (t) => {
    const DATA_DIR = t.testdir();
    await run({ DATA_DIR }, 'migrate');
    const unlock = await lockFolder(DATA_DIR);
    t.match(await run({ DATA_DIR }), { code: 1, text: /in use by another Kinship process/ });
    await unlock();
    t.match(await run({ DATA_DIR }), { code: 0, text: /^0 sessions purged, 0 a second\n$/, progress: '' });
  },
);
