import t from 'tap';
import { checkRendering, signIn, startConsole } from '../support/console-pages.ts';
import { postgresStores } from '../support/open-stores.ts';
import { fillSearchedTables } from '../support/searches.ts';
import { waitForValue } from '../support/wait-until.ts';

const ROWS = 10_000;
/** The user of a tenth of all ended sessions and events: see {@link fillSearchedTables}. */
const BUSY_USER = '00000000-0000-4000-8000-000000000007';

t.test(
  'with ten thousand rows in each table every list of the console shows one page, and a link to the next one',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    await fillSearchedTables(stores.sql, ROWS);
    const started = await startConsole(t, { stores });
    if (started === null) return;
    const { page, url, errors } = started;
    await page.goto(`${url}/console`);
    await signIn(page);

    const lists = [
      { path: 'users', next: 'More accounts' },
      { path: 'users?query=user9', next: 'More accounts' },
      { path: 'users?only=disabled', next: 'More accounts' },
      { path: 'sessions', next: 'Older sessions' },
      { path: 'sessions?state=ended', next: 'Older sessions' },
      { path: `sessions?state=ended&userId=${BUSY_USER}`, next: 'Older sessions' },
      { path: 'audit', next: 'Older events' },
      { path: `audit?user=${BUSY_USER}`, next: 'Older events' },
    ];
    for (const { path, next } of lists) {
      await page.goto(`${url}/console/${path}`);
      const link = page.getByRole('link', { name: next });
      await link.waitFor();
      const firstRow = page.locator('tbody tr').first();
      const first = await firstRow.textContent();
      const count = await page.locator('tbody tr').count();
      t.ok(count >= 10 && count <= 100, `${path} shows ${count} rows`);
      await checkRendering(t, page, `${path} of many`);
      await link.click();
      await page.waitForURL(/cursor=/);
      const isNext = async () => (await firstRow.textContent()) !== first || undefined;
      t.ok(await waitForValue('another first row', isNext), `${path}: the next page begins with another row`);
    }
    for (const path of ['', 'overview', `users/${BUSY_USER}`]) {
      await page.goto(`${url}/console/${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      await checkRendering(t, page, `${path || 'incidents'} of many`);
    }
    t.same(errors, [], 'the Content-Security-Policy blocks nothing');
  },
);

t.test(
  'a page of the console that cannot read all events shows the newest ones, and says that there are older ones',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    const started = await startConsole(t, { stores });
    if (started === null) return;
    const { page, url, ann } = started;
    const session = '00000000-0000-4000-8000-00000000cafe';
    // Each theft is of another user. The session of ann moves between two networks for a long time. Then it is stolen.
    const time = stores.sql`now() - (2000 - n) * interval '1 second'`;
    await stores.sql`
      insert into security_events (id, occurred_at, type, user_id, session_id, address, user_agent, actor, generation, data)
      select gen_random_uuid(), ${time}, 'sessions.reuse_detected', gen_random_uuid(), gen_random_uuid(), '192.0.2.1', '',
        'user', 1, '{}'::jsonb
      from generate_series(1, 1005) as n
      union all
      select gen_random_uuid(), ${time}, 'sessions.address_changed', ${ann}::uuid, ${session}::uuid,
        '198.51.100.' || n % 2, '', 'user', n, '{"blocked": false, "previousAddress": "198.51.100.9"}'::jsonb
      from generate_series(1, 1005) as n
      union all
      select gen_random_uuid(), now(), 'sessions.reuse_detected', ${ann}::uuid, ${session}::uuid, '203.0.113.5', '',
        'user', 1005, '{"presentedGeneration": 3, "presentedIat": 1767323045}'::jsonb`;
    await page.goto(`${url}/console`);
    await signIn(page);
    await page.getByText('There are older events, which this page does not read.').waitFor();
    t.match(await page.locator('tbody tr').first().textContent(), '203.0.113', 'the newest theft is first');

    await page.goto(`${url}/console/sessions/${session}`);
    await page.getByText('Older events of this session are not shown.').waitFor();
    t.match(
      await page.locator('.headline').textContent(),
      /^Stolen: the token of generation 3 came back when generation 1005 was current/,
    );
    t.equal(await page.getByRole('button', { name: 'End this session' }).count(), 0, 'the session has ended');
  },
);
