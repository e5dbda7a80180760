import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { linkPackagesOf, startShop, writeFilesOf } from '../support/documented-application.ts';
import { claimsOf } from '../support/forge.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { dataDir } from '../support/service-in-process.ts';
import { isLike, readSteps, requireCurl, runSteps } from '../support/transcript.ts';

const PAGE = 'docs/integrate.md';
const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

t.test('the commands in docs/integrate.md give the documented answers', async (t) => {
  if (!requireCurl(t) || !(await requirePostgres(t))) return;
  const { folder, page, kinship } = await startPrograms(t);
  const file = join(folder, 'page.md');
  await writeFile(file, page);
  const steps = await readSteps(file);
  t.equal(steps.length, 7);
  const outcomes = await runSteps(steps, folder, kinship);
  for (const [index, { commands, status, body }] of steps.entries()) {
    const outcome = outcomes[index];
    t.equal(outcome?.status, status, `status after ${commands}`);
    if (body === undefined || isLike(body, outcome?.body ?? '')) t.pass(`answer to ${commands}`);
    else t.equal(outcome?.body, body, `answer to ${commands}`);
  }
});

t.test('a browser logs in, calls a protected route, refreshes and logs out', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null || !(await requirePostgres(t))) return;
  const { shop, kinship } = await startPrograms(t);
  const page = await browser.newPage();
  const output = page.locator('output');
  const waitForText = (text: string) => output.filter({ hasText: text }).waitFor();
  const askWho = async (answer: string) => {
    await output.evaluate('(element) => { element.value = ""; }');
    await page.click('#who');
    await waitForText(answer);
  };
  await page.goto(shop);
  await waitForText('signed out');
  await page.fill('[name=name]', 'ann');
  await page.fill('[name=password]', 'a wrong piano 42');
  await page.click('form button');
  await waitForText('Wrong name or password.');
  await page.fill('[name=password]', 'a violet piano 42');
  await page.click('form button');
  await waitForText('signed in');
  await askWho(USER);

  const [first, second] = await page.evaluate<string[]>(`import('/app.js').then(async ({ session }) => {
    const token = await session.token();
    return [token, await session.token(token)];
  })`);
  t.not(second, first);
  t.equal(claimsOf(second ?? '').sid, claimsOf(first ?? '').sid, 'the session continues');
  await askWho(USER);
  const headers = { authorization: `Bearer ${second}` };
  const { items } = (await (await fetch(`${kinship}/auth/sessions`, { headers })).json()) as {
    items: { generation: number; userAgent: string }[];
  };
  t.match(items, [{ generation: 1, userAgent: /Chrome/ }]);

  await page.click('#leave');
  await waitForText('signed out');
  await askWho('Log in first.');
  t.equal(
    (await fetch(`${kinship}/auth/me`, { headers })).status,
    401,
    'the service refuses the ended session',
  );
  t.equal(
    (await fetch(`${shop}/api/me`, { headers })).status,
    200,
    'the offline check does not know the end, as documented',
  );
});

t.test(
  'a token of a wrong issuer is answered with 401, and unavailable keys are answered with 503',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const { folder, shop, kinship } = await startPrograms(t);
    const body = JSON.stringify({ name: 'ann', password: PASSWORD });
    const login = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const { access } = (await (await fetch(`${shop}/login`, login)).json()) as { access: string };
    const headers = { authorization: `Bearer ${access}` };
    t.equal((await fetch(`${shop}/api/me`, { headers })).status, 200);
    const statusWith = async (env: Readonly<Record<string, string>>) => {
      const other = await startShop(t, join(folder, 'shop'), { ...env, PORT: String(await freePort()) });
      return (await fetch(`${other}/api/me`, { headers })).status;
    };
    t.equal(await statusWith({ KINSHIP_ISSUER: kinship }), 401);
    const down = { KINSHIP_URL: `http://127.0.0.1:${await freePort()}` };
    t.equal(await statusWith(down), 503);
    const withoutKinship = await startShop(t, join(folder, 'shop'), {
      ...down,
      PORT: String(await freePort()),
    });
    const refused = await fetch(`${withoutKinship}/login`, login);
    t.same([refused.status, await refused.json()], [503, { error: 'Try again later.' }]);
  },
);

/** Starts both programs of the page as processes, on free ports instead of 3000 and 4000. */
async function startPrograms(t: Test) {
  const folder = await dataDir(t);
  const ports = [await freePort(), await freePort()];
  const text = await readFile(PAGE, 'utf8');
  const page = text.replace(/\b3000\b/g, String(ports[0])).replace(/\b4000\b/g, String(ports[1]));
  t.equal((await writeFilesOf(page, folder)).length, 7);
  await linkPackagesOf(page, join(folder, 'shop'));
  const env = {
    ...parseEnv(await readFile(join(folder, 'kinship/.env'), 'utf8')),
    DATA_DIR: join(folder, 'data'),
    DATABASE_URL: await testDatabase(t),
  };
  const { url } = await startService(t, { env });
  return { folder, page, kinship: url, shop: await startShop(t, join(folder, 'shop')) };
}
