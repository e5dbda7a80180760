import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { totpCode } from '../support/totp.ts';
import { waitForValue } from '../support/wait-until.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** The link in the newest mail to the address whose subject matches. Quoted-printable lines are joined. */
async function linkIn(folder: string, to: string, subject: RegExp): Promise<string> {
  return waitForValue(`a mail about ${subject}`, async () => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).toSorted();
    for (const name of names.toReversed()) {
      const mail = (await readFile(join(folder, name), 'utf8')).replace(/=\r?\n/g, '').replaceAll('=3D', '=');
      const isWanted = mail.includes(`To: ${to}`) && subject.test(/^Subject: (.*)$/m.exec(mail)?.[1] ?? '');
      const [link] = /http:\/\/localhost:\d+\/auth\/[^\s"<>]+token=[\w.-]+/.exec(mail) ?? [];
      if (isWanted && link !== undefined) return link;
    }
    return undefined;
  });
}

async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function startServiceAndBrowser(t: Test) {
  const browser = await launchChromium(t);
  if (browser === null) return null;
  const DATA_DIR = await dataDir(t);
  const port = String(await freePort());
  const url = `http://localhost:${port}`;
  const time = { offset: 0 };
  const clock = () => Date.now() + time.offset;
  await startServiceInProcess(t, { DATA_DIR, API_PORT: port, PUBLIC_URL: url, NODE_ENV: 'test' }, { clock });
  const page = await (await browser.newContext()).newPage();
  await addAuthenticator(page);
  const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', 'user-agent': 'shop/1', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  };
  /**
   * A request of a script in the browser, from a page of the service whose content security policy allows the request.
   */
  const callFromPage = async (method: string, path: string, body?: object, headers = {}) => {
    await page.goto(`${url}/docs`);
    return page.evaluate(
      async ({ body: sent, ...request }) => {
        const answer = await fetch(request.path, {
          method: request.method,
          headers: { 'content-type': 'application/json', ...request.headers },
          ...(sent !== undefined && { body: JSON.stringify(sent) }),
        });
        const text = await answer.text();
        return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
      },
      { method, path, body, headers },
    );
  };
  const waitForHeading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor();
  const press = (name: string) => page.getByRole('button', { name }).click();
  const code = (secret: string) => {
    time.offset += 30_000; // a code is accepted once
    return totpCode(secret, clock());
  };

  async function beginSignIn(): Promise<void> {
    await page.goto(`${url}/account`);
    if ((await page.getByRole('button', { name: 'Sign out' }).count()) > 0) await press('Sign out');
    await page.getByLabel('Name or address').fill('ann');
    await page.getByLabel('Password').fill(PASSWORD);
    await press('Sign in');
  }
  return {
    url,
    page,
    mails: join(DATA_DIR, 'mail'),
    time,
    call,
    callFromPage,
    waitForHeading,
    press,
    code,
    beginSignIn,
  };
}

t.test(
  'one user registers, verifies the address, adds a second factor, loses the phone, ends the session of a thief, and deletes the account',
  async (t) => {
    const parts = await startServiceAndBrowser(t);
    if (parts === null) return;
    const { url, page, mails, time, call, callFromPage, waitForHeading, press, code, beginSignIn } = parts;
    const account = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
    t.equal((await callFromPage('POST', '/auth/register', account)).status, 201);

    await page.goto(await linkIn(mails, account.email, /address/i));
    await page.getByRole('button').click();
    await page.waitForLoadState();
    await beginSignIn();
    await waitForHeading('Your account');
    t.notMatch(await page.textContent('main'), 'not confirmed', 'the address is proven');

    await page.goto(`${url}/account/factors`);
    await press('Add a passkey');
    await page.getByLabel('Name of the passkey').fill('Laptop');
    await press('Make the passkey');
    await waitForHeading('Your second factors');
    t.match(await page.textContent('main'), 'Laptop (Passkey)');
    await press('Add an authenticator app');
    const secret = ((await page.textContent('code')) ?? '').replaceAll(' ', '');
    await page.getByLabel('Code', { exact: true }).fill(code(secret));
    await press('Confirm');
    await waitForHeading('Your second factors');
    await press('Make new recovery codes');
    const recoveryCodes = await page.locator('.codes li').allTextContents();
    t.equal(recoveryCodes.length, 10);

    await beginSignIn();
    await press('Use your passkey');
    await waitForHeading('Your account');
    await beginSignIn();
    await page.getByLabel('Code', { exact: true }).fill(code(secret));
    await press('Sign in');
    await waitForHeading('Your account');

    // The phone is lost: a recovery code signs in, and the app is removed.
    await beginSignIn();
    await page.getByLabel('Code', { exact: true }).fill(recoveryCodes[0] ?? '');
    await press('Sign in');
    await waitForHeading('Your account');
    await page.goto(`${url}/account/factors`);
    await press('Remove Authenticator app');
    await waitForHeading('Your second factors');
    t.notMatch(await page.textContent('main'), 'Authenticator app: added');

    // A thief has the password and a recovery code. The owner gets a mail, and its link ends the session of the thief.
    const firefox = { 'user-agent': FIREFOX };
    const first = await call('POST', '/auth/login', { username: 'ann', password: PASSWORD }, firefox);
    const answer = { challenge: first.body.challenge, recoveryCode: recoveryCodes[1] };
    const thief = await call('POST', '/auth/login/second-factor', answer, firefox);
    t.equal(thief.status, 200);
    await page.goto(await linkIn(mails, account.email, /sign-in/i));
    await page.getByRole('button').first().click();
    await page.waitForLoadState();
    const bearer = { authorization: `Bearer ${thief.body.access}` };
    t.equal(
      (await call('GET', '/auth/me', undefined, bearer)).status,
      401,
      'the session of the thief has ended',
    );

    // The user changes the e-mail address. The login is too old for that, so a step-up comes first.
    time.offset += 11 * 60_000;
    await page.goto(`${url}/account/email`);
    await page.getByLabel('New address').fill('ann@example.org');
    await press('Mail me a link');
    await waitForHeading('Confirm that it is you');
    await press('Continue with your passkey');
    await waitForHeading('Open your mailbox');
    await page.goto(await linkIn(mails, 'ann@example.org', /./));
    await page.getByRole('button').click();
    await page.waitForLoadState();
    await page.goto(`${url}/account`);
    t.match(await page.textContent('main'), 'ann@example.org');

    await page.goto(await linkIn(mails, account.email, /address/i));
    await page.getByRole('button').click();
    await page.waitForLoadState();
    await page.goto(`${url}/account`);
    await waitForHeading('Sign in to your account');

    await beginSignIn();
    await press('Use your passkey');
    await waitForHeading('Your account');
    t.match(await page.textContent('main'), 'ann@example.com', 'the old mailbox has undone the change');

    const step = await callFromPage('POST', '/auth/login', { username: 'ann', password: PASSWORD });
    const last = { challenge: step.body.challenge, recoveryCode: recoveryCodes[2] };
    const pair = await callFromPage('POST', '/auth/login/second-factor', last);
    const deleteWith = ({ access }: { readonly access?: string }) =>
      callFromPage('DELETE', '/auth/me', {}, { authorization: `Bearer ${access}` });
    time.offset += 11 * 60_000;
    t.match(await deleteWith(pair.body), { status: 401, body: { code: 'step_up_required' } });
    const { access: accessToken, refresh: refreshToken } = pair.body;
    const proof = { refreshToken, accessToken, recoveryCode: recoveryCodes[3] };
    const stepped = await callFromPage('POST', '/auth/step-up', proof);
    t.equal((await deleteWith(stepped.body)).status, 204);
    await page.goto(`${url}/account`);
    await waitForHeading('Sign in to your account');
    t.equal((await call('POST', '/auth/login', { username: 'ann', password: PASSWORD })).status, 401);
  },
);
