import t from 'tap';
import { signIn, startConsole } from '../support/console-pages.ts';

const HTML = { contentType: 'text/html', body: '<html><h1>Bad gateway</h1></html>' };

const ANSWERS = [
  { name: 'HTML', status: 502, answer: HTML },
  { name: 'nothing', status: 502, answer: { body: '' } },
  { name: 'JSON that is no object', status: 503, answer: { contentType: 'application/json', body: 'null' } },
  { name: 'JSON without a detail', status: 504, answer: { contentType: 'application/json', body: '{}' } },
  { name: 'HTML with the status of success', status: 200, answer: HTML },
];

t.test('an answer of a proxy instead of the service is shown as a sentence', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, errors } = started;
  await page.goto(`${url}/console`);
  await signIn(page);
  for (const { name, status, answer } of ANSWERS) {
    await page.route('**/admin/users?*', (route) => route.fulfill({ status, ...answer }));
    await page.goto(`${url}/console/users`);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    t.equal(await alert.textContent(), `The service does not answer (${status}). Try again.`, name);
    await page.unroute('**/admin/users?*');
  }
  t.same(errors, []);
});

t.test('a 401 shows the sign-in, whatever its body', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url } = started;
  await page.goto(`${url}/console`);
  await signIn(page);
  for (const answer of [HTML, { body: '' }]) {
    await page.route('**/admin/users?*', (route) => route.fulfill({ status: 401, ...answer }));
    await page.goto(`${url}/console/users`);
    await page.getByText('Your session has ended. Sign in again.').waitFor({ timeout: 5_000 });
    t.ok(await page.getByLabel('Password').isVisible());
    await page.unroute('**/admin/users?*');
  }
});

const UNREACHABLE = 'The service cannot be reached. Check the connection, then try again.';

t.test('an operator learns that the service cannot be reached, and stays signed in', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url } = started;
  const alert = page.getByRole('alert');
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.route('**/admin/users?*', (route) => route.abort());
  await page.goto(`${url}/console/users`);
  await alert.waitFor();
  t.equal(await alert.textContent(), UNREACHABLE);
  await page.unroute('**/admin/users?*');

  await page.goto(`${url}/console/find`);
  // The page shows the button after it has read the session.
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.route('**/console/session', (route) => route.abort());
  await page.getByRole('button', { name: 'Sign out' }).click();
  await alert.waitFor();
  t.equal(await alert.textContent(), UNREACHABLE);
  t.ok(await page.getByRole('button', { name: 'Sign out' }).isVisible());

  await page.goto(`${url}/console/find`);
  await alert.waitFor();
  t.equal(await alert.textContent(), UNREACHABLE);
  t.notOk(await page.getByLabel('Password').isVisible(), 'the operator is not asked to sign in');
  await page.unroute('**/console/session');
  await page.reload();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
});
