import type { Page } from 'playwright-core';
import t from 'tap';
import { signIn, startConsole } from '../support/console-pages.ts';
import { PASSWORD } from '../support/passwords.ts';

/** Holds these requests back until `release` is called. `count` says how many requests the page has sent. */
async function holdRequests(page: Page, method: string, url: string) {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let count = 0;
  await page.route(url, async (route) => {
    if (route.request().method() === method) {
      count += 1;
      await released;
    }
    await route.continue();
  });
  return { release, count: () => count };
}

t.test('a double click signs in once and makes a change once', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, errors } = started;
  const signingIn = await holdRequests(page, 'POST', '**/console/session');
  await page.goto(`${url}/console/users`);
  await page.getByLabel('Name or address').fill('olga');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).dblclick();
  signingIn.release();
  await page.getByRole('table').waitFor();
  t.equal(signingIn.count(), 1);

  const creating = await holdRequests(page, 'POST', '**/admin/users');
  await page.getByRole('button', { name: 'Create account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('nina');
  await dialog.getByLabel('Address', { exact: true }).fill('nina@example.com');
  const reason = dialog.getByLabel('Reason, for the log');
  const submit = dialog.getByRole('button', { name: 'Create account' });
  await reason.fill('a  b');
  await submit.click();
  await dialog.getByText('The reason must be one line').waitFor();
  t.equal(creating.count(), 0, 'a reason of two visible characters is not sent');
  await reason.fill('new in the team');
  await submit.dblclick();
  creating.release();
  await page.getByRole('heading', { name: 'User', exact: true }).waitFor();
  t.equal(creating.count(), 1);
  t.same(errors, []);
});

t.test('after a failure, the address of a user can be asked for again', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, refresh } = started;
  started.time.now = Date.now();
  const client = { address: '198.51.100.7', userAgent: 'curl/8' };
  const copied = await logIn({ userId: ann, client });
  await refresh(copied, { client });
  started.time.now += 3_600_000;
  await refresh(copied, { client: { ...client, address: '203.0.113.9' } }).catch(() => {});
  await page.goto(`${url}/console`);
  await signIn(page);
  const button = page.getByRole('button', { name: 'Write to the user' }).first();
  await page.route(`**/admin/users/${ann}`, (route) => route.abort());
  await button.click();
  await page.getByText('The service cannot be reached.').waitFor();
  await page.unroute(`**/admin/users/${ann}`);
  await button.click();
  await page.getByRole('link', { name: 'ann@example.com' }).waitFor();
});
