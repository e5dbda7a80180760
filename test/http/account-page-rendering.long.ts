import type { Page } from 'playwright-core';
import t from 'tap';
import { accountPages } from '../support/account-page.ts';
import { launchChromium } from '../support/chromium.ts';
import { addAuthenticatorApp, STEP } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';
import { renderingChecks } from '../support/rendering.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';

async function signIn(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name or address').fill('ann');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

t.test('the account pages are accessible and fit a phone, in light and dark, without scripts', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const pages = await accountPages(t);
  const { url, post } = pages;
  for (const agent of [FIREFOX, IPHONE, `LongNameOfAnUnknownApp${'x'.repeat(280)}`])
    await post('/auth/login', { username: 'ann', password: PASSWORD }, { 'user-agent': agent });
  await post(`/auth/login?userId=${pages.userId}&device=${'W'.repeat(64)}`, undefined, {
    'user-agent': FIREFOX,
  });
  const check = await renderingChecks(t, browser);
  const open = (path: string) => (page: Page) => page.goto(url + path);
  await check('home with account', open('/'));
  await check('sign-in form', open('/account'));
  await check('refused sign-in', (page) => signIn(page, 'wrong'));
  await check('forgotten password', open('/account/forgotten-password'));
  await check('forgotten password mailed', async (page) => {
    await page.getByLabel('Address of your account').fill('ann@example.com');
    await page.getByRole('button').click();
  });
  await check('account', async (page) => {
    await page.goto(`${url}/account`);
    await signIn(page);
  });
  await check('password form', open('/account/password'));
  await check('refused password', async (page) => {
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByLabel('New password').fill('password1');
    await page.getByRole('button').click();
  });
  await check('address form', open('/account/email'));
  await check('refused address', async (page) => {
    await page.getByLabel('New address').fill('ann@example.com');
    await page.getByRole('button').click();
  });
  await check('address mailed', async (page) => {
    await page.getByLabel('New address').fill('ann@example.org');
    await page.getByRole('button').click();
  });
  await check('password changed', async (page) => {
    await page.goto(`${url}/account/password`);
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByLabel('New password').fill('a green piano 44');
    await page.getByRole('button').click();
  });
  const login = await post('/auth/login', { username: 'ann', password: 'a green piano 44' });
  const app = await addAuthenticatorApp(pages, { access: String(login.body.access) });
  await check('account with a factor', open('/account'));
  await check('factors', open('/account/factors'));
  await check('new app', (page) => page.getByRole('button', { name: 'Add an authenticator app' }).click());
  await check('refused code of a new app', async (page) => {
    await page.getByLabel('Code').fill('no code');
    await page.getByRole('button').click();
  });
  await check('new passkey', async (page) => {
    await page.goto(`${url}/account/factors`);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
  });
  await check('recovery codes', async (page) => {
    await page.goto(`${url}/account/factors`);
    await page.getByRole('button', { name: 'Make new recovery codes' }).click();
  });
  pages.time.now += 11 * 60_000;
  await check('proof for a change of factors', async (page) => {
    await page.goto(`${url}/account/factors`);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
  });
  await check('refused proof', async (page) => {
    await page.getByLabel('Code').fill('not a code');
    await page.getByRole('button', { name: 'Continue' }).click();
  });
  await check('change after its proof', async (page) => {
    await page.getByLabel('Code').fill(app.code());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Add a passkey' }).waitFor();
  });
  pages.time.now += STEP;
  await check('second step', async (page) => {
    await page.goto(`${url}/account`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, 'a green piano 44');
  });
  await check('refused second step', async (page) => {
    await page.getByLabel('Code').fill('not a code');
    await page.getByRole('button').click();
  });
  await check('account after two steps', async (page) => {
    await page.getByLabel('Code').fill(app.code());
    await page.getByRole('button').click();
    await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor();
  });
});

t.test('the pages of an unconfirmed address fit phones and desktops', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url } = await accountPages(t, { emailVerification: 'required' });
  const check = await renderingChecks(t, browser);
  await check('refused address', async (page) => {
    await page.goto(`${url}/account`);
    await signIn(page);
  });
  await check('address to confirm', (page) =>
    page.getByRole('link', { name: 'Mail me another link to confirm my address' }).click(),
  );
  await check('link mailed', async (page) => {
    await page.getByLabel('Address of your account').fill('ann@example.com');
    await page.getByRole('button').click();
  });
  await check('used link', async (page) => {
    await page.goto(`${url}/auth/email/verify?token=used`);
  });
});

t.test('a user signs in, ends a session and signs out by keyboard, without scripts', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url, post, isLive } = await accountPages(t);
  const login = await post('/auth/login', { username: 'ann', password: PASSWORD }, { 'user-agent': FIREFOX });
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${url}/account`);
  await page.locator('input:focus').waitFor(); // the first field has the focus at the start
  await page.keyboard.type('ann');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor();
  t.equal(new URL(page.url()).pathname, '/account');
  const [cookie] = await context.cookies();
  t.match(cookie, { name: 'kinship_account', httpOnly: true, sameSite: 'Strict', expires: -1 });

  const end = page.getByRole('button', { name: 'End the session: Firefox 145 on Linux' });
  for (let tabs = 0; tabs < 30 && !(await end.evaluate((node) => node.matches(':focus'))); tabs += 1)
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await end.waitFor({ state: 'detached' });
  t.equal(await isLive(String(login.body.access)), false);

  await page.getByRole('button', { name: 'Sign out' }).press('Enter');
  await page.getByRole('heading', { name: 'Sign in to your account' }).waitFor();
  t.same(await context.cookies(), []);
  await page.goBack();
  t.equal(await page.getByText('You are signed in').count(), 0, 'the browser keeps no copy of the page');
});

t.test('a form on a page of another site changes nothing for a signed-in user', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url, sessionIds } = await accountPages(t);
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${url}/account`);
  await signIn(page);
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor();
  await page.goto('data:text/html,<p>evil</p>');
  await page.setContent(
    `<form method="post" action="${url}/account/sessions/end-all"><button name="scope" value="all">win</button></form>`,
  );
  await page.getByRole('button').click();
  await page.getByRole('main').waitFor();
  t.match(await page.getByRole('main').textContent(), /another (origin|site)/);
  t.equal((await sessionIds()).length, 1);
});
