import t from 'tap';
import { checkRendering, signIn, startConsole } from '../support/console-pages.ts';
import { postgresStores } from '../support/open-stores.ts';
import { fillSearched } from '../support/searches.ts';
import { waitForValue } from '../support/wait-until.ts';

const ROWS = 10_000;
/** The user of a tenth of all ended sessions and events: see {@link fillSearched}. */
const BUSY_USER = '00000000-0000-4000-8000-000000000007';

t.test(
  'with ten thousand rows in each table every list of the console shows one page, and a link to the next one',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    await fillSearched(stores.sql, ROWS);
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
    t.same(errors, [], 'the policy blocks nothing');
  },
);
