import type { Dialog, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { TokenPair } from '../../client/src/index.ts';
import { countAnswers, findForks, logInNewUser, sessionOf } from './support/sessions.ts';
import { launchTabs, type Tabs } from './support/tabs.ts';

/** How a tab stands still while it holds the lock. A modal dialog stops all scripts of its page. */
const STOPS = {
  'before it sends': `alert(); return send(...request);`,
  'after the answer was lost': `await (await send(...request)).text();
    alert();
    throw new TypeError('The answer is lost');`,
  'before it stores the answer': `const answer = await send(...request);
    await answer.clone().text();
    alert();
    return answer;`,
};

/** The other tabs wait for the lock for a tenth of the usual time. */
const SHORT_LOCK_WAIT = `{
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => timeout(ms === 15_000 ? 1_500 : ms);
}`;

/** Two tabs of one session. The first one holds the lock and stands still until `wake` is called. */
async function openTwoTabs(t: Test, place: keyof typeof STOPS, lockWait?: 'short') {
  const browser = await launchTabs(t);
  if (browser === null) return null;
  if (lockWait) await browser.context.addInitScript(SHORT_LOCK_WAIT);
  const [still, other] = [await browser.open(), await browser.open()];
  const pair = await logInNewUser(browser.service);
  await still.evaluate(`client.adopt(${JSON.stringify(pair)})`);
  await other.evaluate('client.token()');
  const { dialog, renewal } = await standStill(still, place);
  const wake = async () => {
    await dialog.accept();
    return renewal;
  };
  return { ...browser, pair, still, other, wake };
}

async function standStill(page: Page, place: keyof typeof STOPS) {
  await page.evaluate(`{
    const send = fetch;
    globalThis.fetch = async (...request) => { globalThis.fetch = send; ${STOPS[place]} };
  }`);
  const opened = page.waitForEvent('dialog');
  const renewal = page.evaluate('coordinated.renewToken()').catch((error: unknown) => error);
  return { dialog: (await opened) satisfies Dialog, renewal };
}

/** Asserts that both tabs hold the latest pair, and were signed in all the time. */
async function expectOneSession(
  t: Test,
  {
    service,
    reports,
    still,
    other,
    pair,
  }: Pick<Tabs, 'service' | 'reports'> & Record<'still' | 'other', Page> & { pair: TokenPair },
  generation: number,
) {
  t.same(await sessionOf(service, pair), { generation, ended: null });
  t.equal(
    await still.evaluate('client.token()'),
    await other.evaluate('client.token()'),
    'there is one session',
  );
  for (const page of [still, other]) t.equal(await page.evaluate('coordinated.statusOfMe()'), 200);
  t.same(
    reports.filter(({ what }) => what === 'signed out'),
    [],
    'no tab was signed out',
  );
  t.same(findForks(reports), [], 'no token has two successors');
}

t.test(
  'a tab that stands still before it sends its refresh shares its Idempotency-Key with the other tabs',
  async (t) => {
    const started = await openTwoTabs(t, 'before it sends');
    if (started === null) return;
    const token = await started.other.evaluate('coordinated.renewToken()');
    t.not(token, started.pair.access, 'the other tab continues without the lock');
    t.equal(await started.wake(), token);
    t.equal(countAnswers(started.service, '/auth/refresh'), 2, 'both tabs sent the same refresh');
    await expectOneSession(t, started, 1);
  },
);

for (const [place, title] of [
  ['after the answer was lost', 'a tab that wakes two generations later does not repeat its refresh'],
  ['before it stores the answer', 'a tab that wakes two generations later does not store its older pair'],
] as const) {
  t.test(title, async (t) => {
    const started = await openTwoTabs(t, place, 'short');
    if (started === null) return;
    await started.other.evaluate('coordinated.renewToken()');
    const token = await started.other.evaluate('coordinated.renewToken()');
    t.equal(await started.wake(), token);
    await expectOneSession(t, started, 2);
  });
}

t.test(
  'a logout does not wait for a tab that stands still, and that tab stays signed out when it wakes',
  async (t) => {
    const started = await openTwoTabs(t, 'before it stores the answer', 'short');
    if (started === null) return;
    await started.other.evaluate('client.logOut()');
    t.equal((await sessionOf(started.service, started.pair)).ended, 'logout');
    t.equal(await started.wake(), null);
    for (const page of [started.still, started.other]) t.equal(await page.evaluate('client.token()'), null);
  },
);
