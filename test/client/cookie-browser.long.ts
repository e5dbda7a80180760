import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { PASSWORD } from '../support/passwords.ts';
import { countAnswers } from './support/sessions.ts';
import { disturbThree, launchTabs, listSignOuts, type Tabs } from './support/tabs.ts';

/** A Chromium whose pages are on the same site as the service, which the cookies require. */
async function launchSameSiteTabs(t: Test): Promise<Tabs | null> {
  const browser = await launchTabs(t, {
    script: 'cookie.ts',
    serviceHost: 'localhost',
    settings: { http: { sessionCookies: true } },
  });
  if (browser !== null) await registerAndLogIn(browser.service);
  return browser;
}

/** The generation of the session, read from the browser's refresh cookie; null without that cookie. */
async function readGeneration({ context }: Tabs): Promise<number | null> {
  const cookie = (await context.cookies()).find(({ name }) => name === 'kinship_refresh');
  return cookie === undefined ? null : Number(claimsOf(cookie.value).generation);
}

const refresh = (page: Page) => page.evaluate('client.adopt(0).then(statusOfMe)');

t.test('a page keeps a session without a token that a script can read', async (t) => {
  const browser = await launchSameSiteTabs(t);
  if (browser === null) return;
  const page = await browser.open();
  t.equal(await page.evaluate('statusOfMe()'), 401);
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  t.equal(await page.evaluate('statusOfMe()'), 200);
  const tokens = (await browser.context.cookies()).map(({ value }) => value);
  t.equal(tokens.length, 2);
  const readable = String(await page.evaluate('readAsScript()'));
  t.match(readable, /cookie-/, 'the storage has only a marker');
  for (const token of tokens)
    for (const part of token.split('.')) t.notMatch(readable, part, 'the page cannot read a part of a token');
  await page.reload();
  t.equal(await page.evaluate('statusOfMe()'), 200, 'after a reload');
  await page.evaluate('client.logOut()');
  t.same(await browser.context.cookies(), []);
  t.equal(await page.evaluate('statusOfMe()'), 401);
  t.same(listSignOuts(browser), [{ what: 'signed out', detail: null }]);
});

t.test('tabs share each refresh, also when answers are lost and tabs are reloaded or killed', async (t) => {
  const browser = await launchSameSiteTabs(t);
  if (browser === null) return;
  const { service, open } = browser;
  const pages = await Promise.all(Array.from({ length: 3 }, open));
  await pages[0]?.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  t.same(await Promise.all(pages.map((page) => page.evaluate('statusOfMe()'))), [200, 200, 200]);
  service.time.now += 16 * 60_000;
  t.same(await Promise.all(pages.map((page) => page.evaluate('statusOfMe()'))), [200, 200, 200]);
  t.equal(countAnswers(service, '/auth/refresh'), 1, 'three tabs, one refresh');

  await disturbThree(browser, pages, 'statusOfMe()', () => {
    service.time.now += 16 * 60_000;
  });
  t.same(await Promise.all(pages.map((page) => page.evaluate('statusOfMe()'))), [200, 200, 200]);
  t.ok(Number(await readGeneration(browser)) >= 20, `${await readGeneration(browser)} rotations`);
  t.same(listSignOuts(browser), []);
});

t.test('cookies that arrive while their page is killed are used by the next page', async (t) => {
  const browser = await launchSameSiteTabs(t);
  if (browser === null) return;
  const { service, context, open } = browser;
  const page = await open();
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  const before = await readGeneration(browser);
  // The answer sets the cookies, and the page never reads it.
  await context.route('**/auth/refresh', async (route) => {
    const answer = await route.fetch();
    await context.unroute('**/auth/refresh');
    await page.close();
    await route.fulfill({ response: answer }).catch(() => {});
  });
  await refresh(page).catch(() => {});
  const after = await readGeneration(browser);
  t.equal(after, Number(before) + 1, 'the browser has the next pair');
  const next = await open();
  t.equal(await next.evaluate('statusOfMe()'), 200);
  service.time.now += 16 * 60_000;
  t.equal(await next.evaluate('statusOfMe()'), 200);
  t.same(listSignOuts(browser), []);
});

t.test('a page signs out if its session ended elsewhere, or if its cookies are missing', async (t) => {
  const browser = await launchSameSiteTabs(t);
  if (browser === null) return;
  const { service, context, open, reports } = browser;
  const page = await open();
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  const cookie = (await context.cookies()).find(({ name }) => name === 'kinship_refresh');
  await service.post('/auth/logout', { refreshToken: cookie?.value });
  t.equal(await page.evaluate('statusOfMe()'), 401);
  t.same(reports.at(-1), { what: 'signed out', detail: 'session_revoked' });
  t.same(await context.cookies(), [], 'the service removed the cookies');

  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  await context.clearCookies();
  t.equal(await page.evaluate('statusOfMe()'), 401);
  t.same(reports.at(-1), { what: 'signed out', detail: 'unauthenticated' });
});

t.test('a logout that did not reach the service can be repeated', async (t) => {
  const browser = await launchSameSiteTabs(t);
  if (browser === null) return;
  const { service, proxy, context, open } = browser;
  const page = await open();
  await page.evaluate(`client.logIn('ann', '${PASSWORD}')`);
  proxy.refuse(true);
  proxy.cut();
  const code = await page.evaluate('client.logOut().catch(({ code }) => code)');
  t.equal(code, 'unreachable');
  t.equal((await context.cookies()).length, 2, 'only the service can remove the cookies');
  proxy.refuse(false);
  await page.evaluate('client.logOut()');
  t.same(await context.cookies(), []);
  t.equal(countAnswers(service, '/auth/logout', 204), 1);
});
