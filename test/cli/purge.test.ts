import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { lockFolder } from '../../src/adapters/postgres/embedded/lock.ts';
import { purgeSql } from '../../src/adapters/postgres/purge-sql.ts';
import { progressOn } from '../../src/cli/progress.ts';
import { NOW, someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';

const DAY = 86_400_000;
const { PATH = '' } = process.env;

/** The loader of the tests measures coverage, and takes five times as long: once is enough. */
const FAST = ['--import', 'tsx'];

async function run(env: Record<string, string>, args = ['src/main.ts', 'purge'], loader = FAST) {
  return promisify(execFile)(process.execPath, [...loader, ...args], { env: { PATH, ...env } }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr }),
  );
}

t.test('on PostgreSQL', async (t) => {
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
  const { code, text } = await run(env, ['src/main.ts', 'purge'], process.execArgv);
  t.equal(code, 0);
  t.match(text, /^3 sessions purged, \d+ a second\n$/);
  t.equal((await sql`select from token_families`).count, 2, 'not those whose tokens may come back');
});

t.test('on the embedded database, while nobody else has it', async (t) => {
  const DATA_DIR = t.testdir();
  const unlock = await lockFolder(DATA_DIR);
  t.match(await run({ DATA_DIR }), { code: 1, text: /in use by another Kinship process/ });
  await unlock();
  await run({ DATA_DIR }, ['src/main.ts', 'migrate']);
  t.same(await run({ DATA_DIR }), { code: 0, text: '0 sessions purged, 0 a second\n' });
});

t.test('on a terminal the count grows on one line', async (t) => {
  const shown = (isTTY: boolean) => {
    let now = 1000;
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    const progress = progressOn({ isTTY, write }, 'sessions purged', () => now);
    now += 500;
    progress.add(300);
    now += 500;
    progress.add(100);
    progress.end('.');
    return text.replaceAll('\r\u001b[K', '<');
  };
  t.equal(
    shown(true),
    '<300 sessions purged, 600 a second<400 sessions purged, 400 a second<400 sessions purged, 400 a second.\n',
  );
  t.equal(shown(false), '400 sessions purged, 400 a second.\n');
});
