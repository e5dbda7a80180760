import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { linkPackagesOf, startShop, writeFilesOf } from '../support/documented-application.ts';
import { claimsOf } from '../support/forge.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { dataDir } from '../support/service-in-process.ts';

const ANN = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

/** Starts both programs of the page as processes, on free ports instead of 3000 and 4000. Registers Ann. */
async function startPrograms(
  t: Test,
  file: string,
  name: string,
  env: Readonly<Record<string, string>> = {},
) {
  const folder = await dataDir(t);
  const ports = [await freePort(), await freePort()];
  const text = await readFile(file, 'utf8');
  const page = text.replace(/\b3000\b/g, String(ports[0])).replace(/\b4000\b/g, String(ports[1]));
  await writeFilesOf(page, folder);
  await linkPackagesOf(page, join(folder, name));
  const { url } = await startService(t, {
    env: {
      ...parseEnv(await readFile(join(folder, 'kinship/.env'), 'utf8')),
      DATA_DIR: join(folder, 'data'),
      DATABASE_URL: await testDatabase(t),
      MAIL: 'off',
      ...env,
    },
  });
  const registered = await fetch(`${url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ANN),
  });
  t.equal(registered.status, 201);
  return { kinship: url, app: await startShop(t, join(folder, name)) };
}

async function logIn(page: Page): Promise<void> {
  await page.fill('[name=name]', 'ann');
  await page.fill('[name=password]', PASSWORD);
  await page.click('form button');
}

t.test('a backend for the frontend: the browser never has a token, and the server refreshes', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null || !(await requirePostgres(t))) return;
  const { app } = await startPrograms(t, 'docs/bff.md', 'bff', { ACCESS_TOKEN_AGE: '2s' });
  const context = await browser.newContext();
  const bodies: string[] = [];
  context.on('response', (answer) => {
    answer.text().then(
      (text) => bodies.push(text),
      () => {}, // a page that is left has no body any more
    );
  });
  const page = await context.newPage();
  const waitForText = (text: string) => page.locator('output').filter({ hasText: text }).waitFor();
  await page.goto(app);
  await page.click('#who');
  await waitForText('Log in first.');
  await logIn(page);
  await waitForText('done');
  await page.click('#who');
  await waitForText('ann');

  const cookies = await context.cookies();
  t.match(cookies, [{ name: 'bff', httpOnly: true, sameSite: 'Strict' }]);
  t.equal(cookies.length, 1, 'the cookie of the application, and no other');
  t.match(cookies[0]?.value, /^[\w-]{43}$/, 'and the cookie is no token');

  // The access token lives for two seconds. Twenty concurrent requests share one refresh of the server.
  await page.waitForTimeout(2_500);
  const statuses = await page.evaluate(
    "Promise.all(Array.from({ length: 20 }, () => fetch('/api/me').then(({ status }) => status)))",
  );
  t.same(new Set(statuses as number[]), new Set([200]));
  t.notMatch(bodies.join('\n'), /eyJ/, 'no answer has a token');

  const [{ value = '' } = {}] = cookies;
  const stolen = await fetch(`${app}/api/me`, { headers: { cookie: `bff=${value}` } });
  t.equal(stolen.status, 403, 'a request that is not from the page');
  await page.click('#leave');
  await waitForText('done');
  t.same(await context.cookies(), []);
  const late = await fetch(`${app}/api/me`, {
    headers: { cookie: `bff=${value}`, 'sec-fetch-site': 'same-origin' },
  });
  t.equal(late.status, 401, 'the session has ended at the server');
});

t.test('server-rendered pages: server and browser share a session, and the browser refreshes', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null || !(await requirePostgres(t))) return;
  const { app, kinship } = await startPrograms(t, 'docs/server-rendered.md', 'pages', {
    ACCESS_TOKEN_AGE: '2s',
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(app);
  await page.fill('[name=name]', 'ann');
  await page.fill('[name=password]', 'a wrong piano 42');
  await page.click('form button');
  await page.locator('output').filter({ hasText: /\w/ }).waitFor();
  await logIn(page);
  const user = await page.locator('#user').textContent();
  const token = async () =>
    (await context.cookies()).find(({ name }) => name === 'kinship_refresh')?.value ?? '';
  const first = claimsOf(await token());
  t.equal(user, first.sub, 'the server has rendered the page for the user');

  // Three tabs load a page whose access token has expired.
  await page.waitForTimeout(2_500);
  const tabs = await Promise.all([0, 1, 2].map(() => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto(app)));
  for (const tab of tabs) t.equal(await tab.locator('#user').textContent(), user);
  const next = claimsOf(await token());
  t.equal(next.tokenFamily, first.tokenFamily, 'the session continues');
  t.ok(Number(next.generation) > Number(first.generation), 'the browser has refreshed');

  const refreshToken = await token();
  await page.click('#leave');
  await page.locator('form').waitFor();
  t.same(await context.cookies(), []);
  const late = await fetch(`${kinship}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken }),
  });
  t.equal(late.status, 401);

  // A session that ended elsewhere leads to the login form, not to an endless loop of reloads.
  await logIn(page);
  await page.locator('#user').waitFor();
  const ended = await token();
  await fetch(`${kinship}/auth/logout`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refreshToken: ended }),
  });
  await page.goto(app);
  await page.locator('form').waitFor();
  t.same(await context.cookies(), []);
});
