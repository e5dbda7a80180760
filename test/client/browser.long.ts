import type { Page } from 'playwright-core';
import t from 'tap';
import { countAnswers, findForks, isRefresh, logInNewUser, sessionOf } from './support/sessions.ts';
import { launchTabs, type Tabs } from './support/tabs.ts';

const TABS = 5;
const ROUNDS = 100;

t.test('five tabs stay signed in, with lost answers, reloads and killed tabs', async (t) => {
  const browser = await launchTabs(t);
  if (browser === null) return;
  const { service, reports } = browser;
  const pages = await openAll(browser);
  const pair = await logInNewUser(service);
  await pages[0]?.evaluate(`client.adopt(${JSON.stringify(pair)})`);

  const faults = { lost: 0, reloads: 0, kills: 0 };
  let answers = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round % 4 === 1) loseAnswer(browser, () => (faults.lost += 1));
    const renewals = pages.map((page) => page.evaluate('coordinated.renewToken()').catch(() => null));
    await disturb(browser, pages, round, faults);
    const tokens = await Promise.all(renewals);
    answers += tokens.filter((token) => token !== null).length;
  }
  const me = await Promise.all(pages.map((page) => page.evaluate('coordinated.statusOfMe()')));
  t.same(
    me,
    pages.map(() => 200),
    'all tabs are signed in',
  );
  const logouts = reports.filter(({ what }) => what === 'signed out');
  t.same(logouts, [], 'and no tab was signed out meanwhile');
  const { generation, ended } = await sessionOf(service, pair);
  t.equal(ended, null);
  t.ok(generation >= ROUNDS / 4, `${generation} rotations`);
  t.ok(faults.lost > 0, `${faults.lost} answers lost`);
  t.same(findForks(reports), [], 'no token has two successors');
  t.comment(
    `with the client: ${ROUNDS * TABS} renewals of ${TABS} tabs, ${answers} answered before their tab was gone, ` +
      `${generation} rotations, ${faults.lost} lost answers, ${faults.reloads} reloads, ${faults.kills} killed tabs, ${logouts.length} logouts`,
  );

  await pages[0]?.evaluate('client.logOut()');
  await Promise.all(pages.map((page) => page.evaluate('coordinated.signedOut')));
  t.equal(reports.filter(({ what }) => what === 'signed out').length, TABS, 'a logout reaches every tab');
  t.equal(countAnswers(service, '/auth/logout', 204), 1);
});

t.test('five tabs that refresh without coordination lose their session', async (t) => {
  const browser = await launchTabs(t);
  if (browser === null) return;
  const pages = await openAll(browser);
  const rounds = ROUNDS / 5;
  let logouts = 0;
  let signedIn = false;
  for (let round = 0; round < rounds; round += 1) {
    if (!signedIn)
      await pages[0]?.evaluate(`naive.adopt(${JSON.stringify(await logInNewUser(browser.service))})`);
    if (round % 4 === 1) loseAnswer(browser, () => {});
    const alive = await Promise.all(pages.map((page) => page.evaluate('naive.renewToken()')));
    signedIn = !alive.includes(false);
    if (!signedIn) logouts += 1;
  }
  t.ok(logouts > 0);
  t.comment(`without coordination: ${rounds * TABS} renewals of ${TABS} tabs, ${logouts} sessions lost`);
});

t.test('a page without TLS has no locks, and repeats a stored Idempotency-Key', async (t) => {
  const browser = await launchTabs(t, { host: 'app.test' });
  if (browser === null) return;
  const { service, proxy, reports, open } = browser;
  const first = await open();
  t.equal(await first.evaluate('isSecureContext || "locks" in navigator'), false);
  const pair = await logInNewUser(service);
  await first.evaluate(`client.adopt(${JSON.stringify(pair)})`);
  const lost = new Promise<void>((resolve) => loseAnswer(browser, resolve));
  const renewal = first.evaluate('coordinated.renewToken()').catch(() => null);
  await lost;
  proxy.refuse(true);
  await first.close();
  await renewal;
  proxy.refuse(false);
  const second = await open();
  t.equal(await second.evaluate('coordinated.renewToken().then((token) => token !== null)'), true);
  t.same(
    reports.filter(({ what }) => what === 'signed out'),
    [],
  );
  t.equal((await sessionOf(service, pair)).ended, null);
});

t.test('without locks, tabs that begin a refresh at the same moment send one Idempotency-Key', async (t) => {
  const browser = await launchTabs(t, { host: 'app.test' });
  if (browser === null) return;
  const { service, reports } = browser;
  const pages = await openAll(browser);
  const pair = await logInNewUser(service);
  await pages[0]?.evaluate(`client.adopt(${JSON.stringify(pair)})`);
  const rounds = ROUNDS / 5;
  for (let round = 0; round < rounds; round += 1) {
    if (round % 4 === 1) loseAnswer(browser, () => {});
    const tokens = await Promise.all(pages.map((page) => page.evaluate('coordinated.renewToken()')));
    t.equal(new Set(tokens).size, 1, 'there is one session');
  }
  t.same(
    reports.filter(({ what }) => what === 'signed out'),
    [],
  );
  t.same(await sessionOf(service, pair), { generation: rounds, ended: null });
  t.same(findForks(reports), []);
});

t.test('a tab reads the value that another tab has stored under the same lock', async (t) => {
  const browser = await launchTabs(t);
  if (browser === null) return;
  const pages = await openAll(browser);
  const count = async (kind: string) => {
    await Promise.all(pages.map((page) => page.evaluate(`count('${kind}', 40)`)));
    return Number(await pages[0]?.evaluate(`readCount('${kind}')`));
  };
  t.equal(await count('IndexedDB'), 40 * TABS);
  t.comment(
    `localStorage counted ${await count('localStorage')} of ${40 * TABS} steps, IndexedDB all of them`,
  );
});

function openAll({ open }: Tabs): Promise<Page[]> {
  return Promise.all(Array.from({ length: TABS }, open));
}

/** In two of ten rounds, reloads or kills one tab while all tabs work. */
async function disturb(
  { open }: Tabs,
  pages: Page[],
  round: number,
  faults: { reloads: number; kills: number },
): Promise<void> {
  const victim = Math.floor(round / 10) % TABS;
  if (round % 10 === 5) {
    faults.reloads += 1;
    await pages[victim]?.reload();
  }
  if (round % 10 === 9) {
    faults.kills += 1;
    await pages[victim]?.close();
    pages[victim] = await open();
  }
}

/** The service rotates, but the answer is lost. */
function loseAnswer({ proxy }: Tabs, lost: () => void): void {
  proxy.loseAnswerTo((bytes) => {
    const matches = isRefresh(bytes);
    if (matches) lost();
    return matches;
  });
}
