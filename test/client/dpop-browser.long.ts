import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { TokenPair } from '../../client/src/index.ts';
import { registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { PASSWORD } from '../support/passwords.ts';
import type { Settings } from '../support/sessions.ts';
import { realTime } from './support/real-time.ts';
import { countAnswers, findForks, sessionOf } from './support/sessions.ts';
import { disturbThree, launchTabs, listSignOuts } from './support/tabs.ts';

/** A Chromium with a tab in which ann has logged in, and the pair that the tab holds. */
async function startLoggedIn(t: Test, settings: Settings = {}) {
  const browser = await launchTabs(t, { script: 'dpop.ts', settings: { time: realTime(), ...settings } });
  if (browser === null) return null;
  await registerAndLogIn(browser.service);
  const page = await browser.open();
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  return { ...browser, page, pair: await storedPair(page) };
}

function storedPair(page: Page): Promise<TokenPair> {
  return page.evaluate(`new Promise((resolve) => {
    indexedDB.open('kinship').onsuccess = ({ target }) => {
      const reading = target.result.transaction('pairs').objectStore('pairs').get('kinship');
      reading.onsuccess = () => (target.result.close(), resolve(JSON.parse(reading.result)));
    };
  })`);
}

t.test('a stolen pair is refused, and no script can export the key', async (t) => {
  const browser = await startLoggedIn(t);
  if (browser === null) return;
  const { service, page, pair } = browser;
  const jkt = await page.evaluate('client.dpopJkt()');
  t.match(claimsOf(pair.access), { cnf: { jkt } });
  t.match(claimsOf(pair.refresh), { cnf: { jkt } });
  t.equal(await page.evaluate('statusOfMe()'), 200);
  t.equal(await page.evaluate('stealKey()'), 'InvalidAccessError', 'the key cannot be exported');

  const stolen = { refreshToken: pair.refresh, accessToken: pair.access };
  t.match(await service.post('/auth/refresh', stolen), { status: 401, body: { code: 'invalid_dpop_proof' } });
  const authorization = `Bearer ${pair.access}`;
  t.equal((await service.send('/auth/me', { headers: { authorization } })).status, 401);
  t.equal(await page.evaluate('renewToken()'), true, 'the session of the user continues');
  t.equal((await sessionOf(service, pair)).ended, null);
  t.same(listSignOuts(browser), []);
});

t.test('tabs share one key, also when answers are lost and tabs are reloaded or killed', async (t) => {
  const browser = await launchTabs(t, { script: 'dpop.ts', settings: { time: realTime() } });
  if (browser === null) return;
  const { service, open } = browser;
  await registerAndLogIn(service);
  const pages = await Promise.all(Array.from({ length: 3 }, open));
  // All tabs make a key at the same moment, and all of them keep the same key.
  const thumbprints = await Promise.all(pages.map((page) => page.evaluate('client.dpopJkt()')));
  t.equal(new Set(thumbprints).size, 1);
  await pages[0]?.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  const pair = await storedPair(pages[0] as Page);
  await disturbThree(browser, pages, 'renewToken()');
  t.same(await Promise.all(pages.map((page) => page.evaluate('statusOfMe()'))), [200, 200, 200]);
  const { generation, ended } = await sessionOf(service, pair);
  t.ok(generation >= 5, `${generation} rotations`);
  t.equal(ended, null);
  t.same(findForks(browser.reports), []);
  t.same(listSignOuts(browser), []);
});

t.test('a client gets a nonce with one additional request, and uses it for later requests', async (t) => {
  const browser = await startLoggedIn(t, { dpopNonce: true });
  if (browser === null) return;
  const { service, page } = browser;
  const countRefusals = () =>
    ['/auth/login', '/auth/me', '/auth/refresh'].map((path) => countAnswers(service, path, 401));
  t.same(countRefusals(), [1, 0, 0], 'the login was sent twice');
  t.equal(await page.evaluate('statusOfMe()'), 200);
  t.equal(await page.evaluate('renewToken()'), true);
  t.same(countRefusals(), [1, 0, 0]);
  service.time.now += 11 * 60_000;
  await page.evaluate('{ const now = Date.now; Date.now = () => now() + 11 * 60_000; }');
  t.equal(await page.evaluate('renewToken()'), true);
  t.same(countRefusals(), [1, 0, 1], 'a nonce that is too old is replaced');
  t.same(listSignOuts(browser), []);
});

t.test('a page whose clock is wrong by an hour takes the time from a refusal', async (t) => {
  const browser = await startLoggedIn(t);
  if (browser === null) return;
  const { service, context, open } = browser;
  await context.addInitScript('{ const now = Date.now; Date.now = () => now() - 3_600_000; }');
  const page = await open();
  t.equal(await page.evaluate('statusOfMe()'), 200);
  t.equal(countAnswers(service, '/auth/me', 401), 1);
  t.equal(await page.evaluate('statusOfMe()'), 200);
  t.equal(await page.evaluate('renewToken()'), true);
  t.equal(countAnswers(service, '/auth/me', 401), 1, 'once');
  t.equal(countAnswers(service, '/auth/refresh', 401), 0);
});

t.test('a session whose key is lost ends on this device, without a request to the service', async (t) => {
  const browser = await startLoggedIn(t);
  if (browser === null) return;
  const { service, page, reports } = browser;
  await page.evaluate(`new Promise((resolve) => {
    indexedDB.deleteDatabase('kinship-dpop').onsuccess = resolve;
  })`);
  await page.reload();
  t.equal(await page.evaluate('renewToken()'), false);
  t.same(reports.at(-1), { what: 'signed out', detail: 'dpop_key_lost' });
  for (const status of [200, 401]) t.equal(countAnswers(service, '/auth/refresh', status), 0);
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  t.equal(await page.evaluate('statusOfMe()'), 200);
});

t.test('a backend logs the user in with the thumbprint of the page’s key', async (t) => {
  const browser = await launchTabs(t, { script: 'dpop.ts', settings: { time: realTime() } });
  if (browser === null) return;
  const { service, open } = browser;
  const page = await open();
  const jkt = await page.evaluate('client.dpopJkt()');
  const { body } = await service.post(`/auth/login?userId=${randomUUID()}&dpopJkt=${jkt}`);
  await page.evaluate(`client.adopt(${JSON.stringify(body)})`);
  t.equal(await page.evaluate('renewToken()'), true);
  t.equal(countAnswers(service, '/auth/refresh'), 1);
});
