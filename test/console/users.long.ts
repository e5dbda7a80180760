import t from 'tap';
import { checkRendering, signIn, startConsole, tabTo } from '../support/console-pages.ts';
import { FIREFOX } from '../support/example-events.ts';
import { addAuthenticatorApp, bearer } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';

const HOME = { address: '192.0.2.7', userAgent: FIREFOX };
const EVIL = '<img src=x onerror="document.title=1">';

type Started = NonNullable<Awaited<ReturnType<typeof startConsole>>>;

async function logInAnn({ post }: Started) {
  const { body } = await post('/auth/login', { username: 'ann', password: PASSWORD });
  return { access: String(body.access) };
}

/** Adds an app whose label would be code in HTML. */
async function addEvilApp(started: Started) {
  const signed = await logInAnn(started);
  const { id } = await addAuthenticatorApp(started, signed);
  const { send } = started;
  const renamed = await send(`/auth/factors/${id}`, {
    method: 'PATCH',
    headers: { ...bearer(signed), 'content-type': 'application/json' },
    body: JSON.stringify({ label: EVIL }),
  });
  return renamed.status;
}

t.test('an operator lists, finds and opens accounts', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, errors } = started;
  started.time.now = Date.now();
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('table').waitFor();
  t.equal(await page.locator('tbody tr').count(), 2);
  await checkRendering(t, page, 'users');
  await page.getByLabel('Or only').selectOption('operators');
  await page.getByRole('button', { name: 'Find accounts' }).click();
  await page.getByText('1 account', { exact: true }).waitFor();
  t.same(await page.locator('tbody th').allTextContents(), ['olga']);
  await checkRendering(t, page, 'one user');

  await tabTo(page, 'textbox', 'Beginning of a name, address or id');
  await page.keyboard.type('nobody');
  await page.keyboard.press('Enter');
  await page.getByText('No account matches.').waitFor();
  await checkRendering(t, page, 'no user');
  t.same(errors, []);
});

t.test('a list of many accounts is shown in pages, and links to the page of each account', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, post, time } = started;
  time.now = Date.now();
  for (let count = 0; count < 51; count += 1) {
    const username = `many-${count}-${'x'.repeat(40)}`;
    // Registrations are limited per hour.
    time.now += 4 * 60_000;
    await post('/auth/register', { username, email: `${username}@example.com`, password: PASSWORD });
  }
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/users`);
  await page.getByRole('table').waitFor();
  t.equal(await page.locator('tbody tr').count(), 50);
  await checkRendering(t, page, 'many users');
  await page.getByRole('link', { name: 'More accounts' }).click();
  await page.getByRole('link', { name: 'ann', exact: true }).click();
  await page.getByRole('heading', { name: 'User', exact: true }).waitFor();
  t.ok(page.url().endsWith(`/console/users/${ann}`));
  await page.getByText('This account has no second factor.').waitFor();
});

t.test('an operator removes a lost factor by keyboard alone, and its label is shown as text', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, errors, lines } = started;
  started.time.now = Date.now();
  t.equal(await addEvilApp(started), 204);
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/users/${ann}`);
  await page.getByText(EVIL, { exact: true }).waitFor();
  t.equal(await page.locator('main img').count(), 0);
  await checkRendering(t, page, 'user with a factor');

  await tabTo(page, 'button', 'Remove factor');
  await page.keyboard.press('Enter');
  t.equal(await page.locator('dialog img').count(), 0);
  await tabTo(page, 'textbox', 'Reason, for the log');
  await page.keyboard.type('the phone is lost');
  await page.keyboard.press('Enter');
  await page.getByText('This account has no second factor.').waitFor();
  t.ok(lines.some((line) => line.includes('the phone is lost')));
  t.same(errors, []);
});

t.test('pages show the name of a device, as text', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, loginKey, post, errors } = started;
  const device = encodeURIComponent(EVIL);
  const login = await post(`/auth/login?userId=${ann}&device=${device}`, undefined, {
    'x-api-key': loginKey,
  });
  t.equal(login.status, 200);
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/users/${ann}`);
  await page.getByRole('link', { name: EVIL }).click();
  await page.getByRole('heading', { name: 'Session', exact: true }).waitFor();
  await page.getByText('Which device?').waitFor();
  t.ok(await page.getByText(EVIL, { exact: true }).isVisible());
  t.equal(await page.locator('main img').count(), 0);
  await checkRendering(t, page, 'session of a named device');
  t.same(errors, []);
});

t.test('a user id that is no UUID has a page, and its sessions can be ended there', async (t) => {
  const started = await startConsole(t, { http: { userIdFormat: 'text' } });
  if (started === null) return;
  const { page, url, logIn } = started;
  const userId = 'auth0|a/b?c%d';
  await logIn({ userId, client: HOME });
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/find`);
  await page.getByLabel('Id, from a mail').fill(userId);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('No account has this id.').waitFor();
  t.ok(page.url().endsWith(`/console/users/${encodeURIComponent(userId)}`));
  t.equal(await page.locator('p.id').textContent(), userId);
  t.equal(await page.locator('tbody tr').count(), 1);
  await page.locator('tbody a').click();
  await page.getByRole('link', { name: userId }).click();
  await page.getByText('No account has this id.').waitFor();
});

t.test('a user id without an account has a page', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, logIn } = started;
  const userId = 'a8b1c9d2-0000-4000-8000-000000000001';
  await logIn({ userId, client: HOME });
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/users/${userId}`);
  await page.getByText('No account has this id.').waitFor();
  t.equal(await page.locator('tbody tr').count(), 1);
  await checkRendering(t, page, 'user id without an account');
});

t.test('an operator creates an account and changes it', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, outbox, lines, errors } = started;
  started.time.now = Date.now();
  const { keyboard } = page;
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/users`);
  await page.getByRole('table').waitFor();
  await tabTo(page, 'button', 'Create account');
  await keyboard.press('Enter');
  await checkRendering(t, page, 'dialog of a new account');
  await tabTo(page, 'textbox', 'Name');
  await keyboard.type('ann');
  await keyboard.press('Tab');
  await keyboard.type('new@example.com');
  await tabTo(page, 'textbox', 'Reason, for the log');
  await keyboard.type('new in the team');
  await keyboard.press('Enter');
  await page.getByText('The name or the address is taken.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('<b>');
  await page.getByRole('dialog').getByRole('button', { name: 'Create account' }).click();
  await page.getByText('The username must be').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('nina');
  await page.getByRole('dialog').getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'User', exact: true }).waitFor();
  await page.getByText('new@example.com').waitFor();
  const mails = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 10);
  t.equal(mails.filter(({ event }) => event.type === 'users.invited').length, 1);

  await tabTo(page, 'button', 'Change account');
  await keyboard.press('Enter');
  await checkRendering(t, page, 'dialog of a changed account');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Address', { exact: true }).fill('nina+a?b&c%@example.org');
  await dialog.getByLabel('The address is confirmed').check();
  await dialog.getByLabel('Reason, for the log').fill('a new name');
  await dialog.getByRole('button', { name: 'Change account' }).click();
  const mail = page.getByRole('link', { name: 'nina+a?b&c%@example.org' });
  await mail.waitFor();
  t.equal(await mail.getAttribute('href'), 'mailto:nina%2Ba%3Fb%26c%25@example.org');
  await page.getByRole('definition').filter({ hasText: /^yes$/ }).waitFor();
  for (const reason of ['new in the team', 'a new name'])
    t.ok(
      lines.some((line) => line.includes(reason)),
      reason,
    );
  t.same(errors, []);
});
