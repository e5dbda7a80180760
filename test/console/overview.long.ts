import t from 'tap';
import type { Overview } from '../../src/app/overview/read-overview.ts';
import { consoleService } from '../support/console.ts';
import { checkRendering, signIn, startConsole, tabTo } from '../support/console-pages.ts';

const DAY = 86_400_000;

/** A host name of 63 characters, the most that one label can have, and a port. */
const REPLICA = `${'kinship-'.padEnd(63, 'x')}:3000`;

/** An overview that grows with each reading. */
function growingOverview() {
  const state = { logins: 0, isUp: true, replica: REPLICA };
  const samples: Overview['samples'][number][] = [];
  const now = Date.now();
  const key = { alg: 'EdDSA', fault: null } as const;
  const keys: Overview['keys'] = [
    {
      ...{ ...key, id: 'old-key-of-43-characters-'.padEnd(43, 'x'), number: 1, state: 'retired' },
      ...{ announcedAt: now - 400 * DAY, signsFrom: now - 399 * DAY, publishedUntil: now + DAY },
    },
    {
      ...{ ...key, id: 'new-key-of-43-characters-'.padEnd(43, 'y'), number: 2, state: 'signing' },
      ...{ announcedAt: now - 2 * DAY, signsFrom: now - DAY, publishedUntil: Number.POSITIVE_INFINITY },
    },
  ];
  const readOverview = async (): Promise<Overview> => {
    state.logins += 6;
    const counts = { logins: state.logins, refreshes: 10 * state.logins, sessions: 1_234 };
    const waiting = { mailsWaiting: 2, eventsWaiting: null, deliveriesWaiting: 0 };
    const refusals = { 'login invalid_credentials': state.logins };
    samples.push({ at: Date.now(), ...counts, refusals, ...waiting });
    const dependencies = [{ name: 'database', isUp: state.isUp }];
    return { replica: state.replica, samples: [...samples], dependencies, keys };
  };
  return { state, readOverview };
}

t.test('the overview shows live counts, dependencies and keys', async (t) => {
  const { state, readOverview } = growingOverview();
  await readOverview();
  const started = await startConsole(t, { http: { readOverview } });
  if (started === null) return;
  const { page, url, errors } = started;
  await page.goto(`${url}/console`);
  await signIn(page);
  await tabTo(page, 'link', 'Overview');
  await page.keyboard.press('Enter');
  await page.getByRole('img', { name: /^Logins a minute: now/ }).waitFor();
  await page.getByText('database: up').waitFor();
  await page.getByText(`those of the replica ${REPLICA}`).waitFor();
  t.match(await page.getByRole('img', { name: /^Keys over time/ }).getAttribute('aria-label'), /is retired/);
  t.ok(await page.getByText('1,234', { exact: false }).first().isVisible());
  t.ok(await page.getByRole('img', { name: 'Events waiting: not known yet' }).isVisible());
  await checkRendering(t, page, 'overview');
  state.isUp = false;
  await page.getByText('database: down').waitFor();
  t.ok(await page.getByRole('rowheader', { name: 'login invalid credentials' }).isVisible());
  await checkRendering(t, page, 'overview with a fault');
  t.same(errors, []);
});

t.test('a page without activity of its operator stops the stream, and continues it on request', async (t) => {
  const { readOverview } = growingOverview();
  const started = await startConsole(t, { http: { readOverview } });
  if (started === null) return;
  const { page, url } = started;
  await page.clock.install();
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByText('database: up').waitFor();
  await page.clock.fastForward(11 * 60_000);
  await page.getByText('This page does not follow the service.').waitFor();
  await checkRendering(t, page, 'paused overview');
  await page.getByRole('button', { name: 'Follow it again' }).click();
  await page.getByText('This page does not follow the service.').waitFor({ state: 'hidden' });
});

t.test('a page whose operator is signed out says so', async (t) => {
  const { readOverview } = growingOverview();
  const started = await startConsole(t, { http: { readOverview } });
  if (started === null) return;
  const { page, url, setOperator, olga } = started;
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();
  await setOperator(olga, false);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByText('Your session has ended. Sign in again.').waitFor();
});

t.test('open streams do not keep the service from stopping', async (t) => {
  const { url, operatorCookie, app } = await consoleService(t);
  const cookie = await operatorCookie();
  const streams = await Promise.all(
    Array.from({ length: 5 }, () => fetch(new URL('/admin/overview/stream', url), { headers: { cookie } })),
  );
  await app.close();
  for (const stream of streams) t.match(await stream.text().catch(() => 'cut'), /retry|cut/);
});
