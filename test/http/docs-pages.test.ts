import t from 'tap';
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
