import fastify from 'fastify';
import t from 'tap';
import { docsPages } from '../../src/adapters/http/operations/docs/pages.ts';
import type { App } from '../../src/adapters/http/server/app.ts';
import { launchChromium } from '../support/chromium.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

t.test('the documentation page has the mark, the title and the icon of the project', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url } = await startHttpService(t);
  const page = await browser.newPage();
  const refused: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') refused.push(message.text());
  });
  await page.goto(`${url}/docs`);
  const mark = page.getByRole('img', { name: 'Kinship' });
  await mark.waitFor();
  const width = await page.evaluate(`document.querySelector('[alt=Kinship]').decode().then(
    () => document.querySelector('[alt=Kinship]').naturalWidth)`);
  t.equal(width, 150, 'the policy permits the mark, and the browser can draw it');
  t.equal(await page.title(), 'Kinship API');
  await page.locator('#operations-tag-sessions').waitFor();
  const icons = await page.locator('link[rel=icon]').all();
  t.equal(icons.length, 1);
  t.equal(await icons[0]?.getAttribute('href'), '/docs/static/theme/icon.svg');
  const icon = await fetch(`${url}/docs/static/theme/icon.svg`);
  t.equal(icon.headers.get('content-type'), 'image/svg+xml');
  t.match(await icon.text(), /^<svg /);
  t.same(refused, [], 'the policy permits everything that the page needs');
});

t.test('every refusal of the documentation pages is a problem', async (t) => {
  const { send } = await startHttpService(t);
  for (const path of ['/docs/x', '/docs/static/x.css', '/docs/static/%00', '/docs/static/.htaccess']) {
    const answer = await send(path);
    t.match(answer, { status: 404, body: { code: 'not_found' } }, path);
    t.equal(answer.headers.get('content-type'), 'application/problem+json');
  }
  t.match(await send('/docs/json', { method: 'POST' }), {
    status: 405,
    body: { code: 'method_not_allowed' },
  });
});

t.test(
  'the files of the documentation pages are sent whole, and not again to a browser that has them',
  async (t) => {
    const { url } = await startHttpService(t);
    const get = (headers: Record<string, string> = {}) =>
      fetch(`${url}/docs/static/swagger-ui.css`, { headers });
    const first = await get();
    const size = first.headers.get('content-length');
    t.equal(first.headers.get('accept-ranges'), null);
    for (const headers of [{ range: 'bytes=999999999-' }, { range: 'bytes=0-1' }, { 'if-match': '"x"' }]) {
      const { status, headers: theirs } = await get(headers);
      t.match({ status, size: theirs.get('content-length') }, { status: 200, size }, JSON.stringify(headers));
    }
    const again = await get({ 'if-none-match': String(first.headers.get('etag')) });
    t.equal(again.status, 304);
  },
);

t.test('the documentation pages open at a later request if their first load failed', async (t) => {
  const app = fastify();
  t.teardown(() => app.close());
  let loads = 0;
  app.decorate('swagger', () => {
    loads += 1;
    if (loads === 1) throw new Error('too few descriptors');
    return { openapi: '3.1.0', info: { title: 'Kinship', version: '1' }, paths: {} };
  });
  docsPages(app as unknown as App, null);
  t.equal((await app.inject('/docs')).statusCode, 500);
  t.equal((await app.inject('/docs')).statusCode, 200);
  t.equal((await app.inject('/docs/json')).json().openapi, '3.1.0');
  t.equal(loads, 2);
});

t.test('both examples of a login can be sent unchanged from the documentation page', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url, post } = await startHttpService(t);
  await post('/auth/register', { username: 'ann', email: 'ann@example.com', password: PASSWORD });
  const page = await browser.newPage();
  await page.goto(`${url}/docs#/sessions/logIn`);
  const operation = page.locator('#operations-sessions-logIn');
  await operation.getByRole('button', { name: 'Try it out' }).click();
  for (const [name, query] of [
    ['by password', ''],
    ['by user id', '?userId='],
  ] as const) {
    for (const select of await operation.locator('select:has(option[value="by user id"])').all())
      await select.selectOption(name);
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await operation.getByRole('button', { name: 'Execute' }).click();
    const response = await answer;
    t.equal(response.status(), 200, `${name}: ${response.url()} ${await response.text()}`);
    t.ok(response.url().startsWith(`${url}/auth/login${query}`), response.url());
  }
});
