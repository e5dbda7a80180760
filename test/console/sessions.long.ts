import { randomUUID } from 'node:crypto';
import t from 'tap';
import { checkRendering, signIn, startConsole, tabTo } from '../support/console-pages.ts';
import { FIREFOX, SAFARI } from '../support/example-events.ts';
import { claimsOf } from '../support/forge.ts';

const HOME = { address: '192.0.2.7', userAgent: SAFARI };
const OFFICE = { address: '203.0.113.20', userAgent: FIREFOX };

t.test('an operator finds sessions by their facts, and opens one', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, errors } = started;
  started.time.now = Date.now();
  const { access } = await logIn({ userId: ann, client: HOME });
  const evil = '<img src=x onerror="document.title=1">';
  await logIn({ userId: ann, client: { ...OFFICE, userAgent: evil } });
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('link', { name: 'Sessions', exact: true }).click();
  await page.getByRole('table').waitFor();
  // The third session belongs to the operator.
  t.equal(await page.locator('tbody tr').count(), 3);
  t.equal(await page.locator('main img').count(), 0, 'the user agent is shown as text');
  await checkRendering(t, page, 'sessions');

  await tabTo(page, 'textbox', 'Network address');
  await page.keyboard.type(HOME.address);
  await page.keyboard.press('Enter');
  await page.getByText('1 session, newest first', { exact: true }).waitFor();
  t.ok(page.url().endsWith(`/console/sessions?address=${HOME.address}`), 'the filter is in the address');
  await page.locator('tbody th a').click();
  await page.getByRole('heading', { name: 'Session', exact: true }).waitFor();
  t.ok(page.url().endsWith(`/console/sessions/${claimsOf(access).sid}`));

  await page.goBack();
  await page.getByLabel('State').selectOption('ended');
  await page.getByRole('button', { name: 'Find sessions' }).click();
  await page.getByText('No session matches.').waitFor();
  await checkRendering(t, page, 'no session');
  await page.goto(`${url}/console/sessions?address=no-address`);
  await page.getByRole('alert').waitFor();
  t.same(errors, []);
});

t.test('a list of many sessions is shown in pages, which keep the filter', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, time } = started;
  time.now = Date.now();
  await logIn({ userId: ann, client: OFFICE });
  for (let count = 0; count < 53; count += 1) {
    time.now += 1_000;
    await logIn({ userId: randomUUID(), client: HOME });
  }
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/sessions?address=${HOME.address}`);
  await page.getByText('50 sessions, newest first').waitFor();
  await checkRendering(t, page, 'many sessions');
  await page.getByRole('link', { name: 'Older sessions' }).click();
  await page.getByText('3 sessions, newest first').waitFor();
  t.equal(await page.getByRole('link', { name: 'Older sessions' }).count(), 0);
});
