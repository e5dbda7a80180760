import t from 'tap';
import { checkRendering, signIn, startConsole, tabTo } from '../support/console-pages.ts';
import { FIREFOX, SAFARI } from '../support/example-events.ts';
import { claimsOf } from '../support/forge.ts';
import { PASSWORD } from '../support/passwords.ts';

const HOUR = 3_600_000;
const HOME = { address: '192.0.2.7', userAgent: SAFARI };
const OFFICE = { address: '203.0.113.20', userAgent: FIREFOX };
const THIEF = { address: '198.51.100.14', userAgent: 'curl/8.5.0' };

type Started = NonNullable<Awaited<ReturnType<typeof startConsole>>>;

/** Plays four days of a session, whose token is then copied and presented from elsewhere. Returns the session's id. */
async function playTheft({ logIn, refresh, time, ann }: Started): Promise<string> {
  let pair = await logIn({ userId: ann, client: HOME });
  for (let day = 0; day < 5; day += 1) {
    time.now += 20 * HOUR;
    pair = await refresh(pair, { client: day === 2 ? OFFICE : HOME });
  }
  const copied = pair;
  time.now += 2 * HOUR;
  pair = await refresh(pair, { client: HOME });
  time.now += HOUR;
  await refresh(copied, { client: THIEF }).catch(() => {});
  return String(claimsOf(pair.access).sid);
}

t.test('the pages are accessible and fit a phone, in light and dark', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, olga, errors, logIn } = started;
  started.time.now = Date.now() - 6 * 24 * HOUR;
  const stolen = await playTheft(started);
  await page.goto(`${url}/console`);
  await checkRendering(t, page, 'sign-in');
  await page.getByLabel('Name or address').fill('olga');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await checkRendering(t, page, 'refused sign-in');
  await signIn(page);
  await page.getByRole('table').waitFor();
  await checkRendering(t, page, 'incidents');
  await page.getByRole('button', { name: 'Write to the user' }).click();
  const mail = page.getByRole('link', { name: 'ann@example.com' });
  t.equal(await mail.getAttribute('href'), 'mailto:ann@example.com');
  t.ok(await page.getByRole('button', { name: 'Disable user' }).isVisible());
  await page.getByRole('link', { name: '24 hours' }).click();
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();
  await page.getByRole('link', { name: 'Find' }).click();
  await page.getByRole('heading', { name: 'Find a user or a session' }).waitFor();
  await checkRendering(t, page, 'search');
  await page.goto(`${url}/console/users/${ann}`);
  await page.getByText('This user has no live session.').waitFor();
  await checkRendering(t, page, 'user without sessions');
  await page.goto(`${url}/console/users/${olga}`);
  await page.getByRole('table').waitFor();
  await checkRendering(t, page, 'user with one session');
  for (let count = 0; count < 45; count += 1)
    await logIn({ userId: ann, client: { ...HOME, userAgent: `Unknown${'x'.repeat(280)}/${count}` } });
  await page.goto(`${url}/console/users/${ann}`);
  await page.getByRole('table').waitFor();
  t.equal(await page.locator('tbody tr').count(), 45);
  await checkRendering(t, page, 'user with many sessions');
  await page.goto(`${url}/console/sessions/${stolen}`);
  await page.getByText('Stolen:').first().waitFor();
  await checkRendering(t, page, 'stolen session');
  await page.getByRole('button', { name: 'End all sessions of the user' }).click();
  await checkRendering(t, page, 'dialog');
  await page.goto(`${url}/console/nothing`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  t.same(errors, [], 'the Content-Security-Policy blocks nothing');
});

t.test('an operator signs in, understands a theft and ends all sessions by keyboard alone', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, sessionsOf, lines, time } = started;
  time.now = Date.now() - 6 * 24 * HOUR;
  await playTheft(started);
  await logIn({ userId: ann, client: HOME });
  const { keyboard } = page;

  await page.goto(`${url}/console`);
  await tabTo(page, 'textbox', 'Name or address');
  await keyboard.type('olga');
  await keyboard.press('Tab');
  await keyboard.type(PASSWORD);
  await keyboard.press('Enter');
  await tabTo(page, 'link', '1 replayed token');
  await keyboard.press('Enter');

  await page
    .getByText('Stolen: the token of generation 5 came back when generation 6 was current.')
    .first()
    .waitFor();
  t.match(
    await page.getByLabel('What happened').textContent(),
    /198\.51\.100\.14.*never got a token.*refused/s,
  );
  await tabTo(page, 'link', /Replayed token/);
  t.match(await page.locator('figcaption').textContent(), /Replayed token.*generation 5.*curl/);
  await keyboard.press('Enter');
  t.match(page.url(), /#event-\d+$/);

  await page.getByRole('heading', { name: 'Session' }).focus();
  await tabTo(page, 'button', 'End all sessions of the user');
  await keyboard.press('Enter');
  await tabTo(page, 'textbox', 'Reason, for the log');
  await keyboard.type('Diebstahl – gestohlen');
  await keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  t.same(await sessionsOf(ann), []);
  t.ok(
    lines.some((line) => line.includes('Diebstahl – gestohlen')),
    'the reason is logged',
  );
});

t.test('the row of an incident says that the sessions of its user were ended', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, sessionsOf, time, errors } = started;
  time.now = Date.now() - 6 * 24 * HOUR;
  await playTheft(started);
  await logIn({ userId: ann, client: HOME });
  await page.goto(`${url}/console`);
  await signIn(page);
  const note = page.getByText(/^All sessions of this user were ended on/);
  await page.getByRole('button', { name: 'End all sessions' }).click();
  t.equal(await note.count(), 0);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason, for the log').fill('stolen phone');
  await page.keyboard.press('Enter');
  await note.waitFor({ timeout: 5_000 });
  t.ok(await page.locator('tbody td').filter({ has: note }).getByRole('link', { name: ann }).isVisible());
  t.same(await sessionsOf(ann), []);
  await checkRendering(t, page, 'incident whose sessions were ended');
  t.same(errors, []);
});

t.test('one field finds a session by the reference of a mail, and a user by its id', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann } = started;
  started.time.now = Date.now() - 6 * 24 * HOUR;
  const stolen = await playTheft(started);
  await page.goto(`${url}/console`);
  await signIn(page);
  const find = async (id: string) => {
    await page.getByRole('link', { name: 'Find' }).click();
    await page.getByLabel(/^Id/).fill(id);
    await page.getByRole('button', { name: 'Find' }).click();
  };
  await find(` ${stolen.toUpperCase()} `);
  await page.getByText('Stolen:').first().waitFor({ timeout: 5_000 });
  t.ok(page.url().endsWith(`/console/sessions/${stolen}`));
  await find(ann);
  await page.getByText('This user has no live session.').waitFor({ timeout: 5_000 });
  t.ok(page.url().endsWith(`/console/users/${ann}`));
  await page.route('**/events?limit=1', (route) => route.fulfill({ status: 502 }));
  await find(stolen);
  await page
    .getByRole('alert')
    .getByText('The service does not answer (502). Try again.')
    .waitFor({ timeout: 5_000 });
});

t.test('an operator disables a user and enables the user again by keyboard alone', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, sessionsOf, lines } = started;
  const pair = await logIn({ userId: ann, client: HOME });
  await page.goto(`${url}/console`);
  await signIn(page);
  const act = async (name: string, reason: string) => {
    await tabTo(page, 'button', name);
    await page.keyboard.press('Enter');
    await tabTo(page, 'textbox', 'Reason, for the log');
    await page.keyboard.type(reason);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  };

  await page.goto(`${url}/console/sessions/${String(claimsOf(pair.access).sid)}`);
  await act('Disable user', 'stolen phone');
  await page.getByText(/^This user has been disabled since/).waitFor();
  t.same(await sessionsOf(ann), []);
  await t.rejects(logIn({ userId: ann, client: HOME }), { code: 'account_disabled' });

  await page.goto(`${url}/console/users/${ann}`);
  await page.getByText(/^This user has been disabled since/).waitFor();
  await checkRendering(t, page, 'disabled user');
  await act('Enable user', 'the phone is back');
  await page.getByRole('button', { name: 'Disable user' }).waitFor();
  t.ok(await logIn({ userId: ann, client: HOME }));
  for (const reason of ['stolen phone', 'the phone is back'])
    t.ok(
      lines.some((line) => line.includes(reason)),
      reason,
    );
});

t.test(
  'a click on "Disable user" asks for no reason if the user is already disabled, and the page offers to enable them',
  async (t) => {
    const started = await startConsole(t);
    if (started === null) return;
    const { page, url, ann, logIn, refresh, send, adminKey, errors } = started;
    started.time.now = Date.now();
    for (const client of [OFFICE, THIEF]) {
      const copied = await logIn({ userId: ann, client: HOME });
      started.time.now += HOUR;
      await refresh(copied, { client: HOME });
      started.time.now += HOUR;
      await refresh(copied, { client }).catch(() => {});
    }
    await send(`/admin/users/${ann}/disabled`, { method: 'PUT', headers: { 'x-api-key': adminKey } });
    await page.goto(`${url}/console`);
    await signIn(page);
    await page.getByRole('table').waitFor();
    const rows = await page.locator('tbody tr').count();
    t.equal(rows, 2, 'two networks of one user');
    const [disable, enable] = ['Disable user', 'Enable user'].map((name) =>
      page.getByRole('button', { name, exact: true }),
    );
    if (disable === undefined || enable === undefined) throw new Error('no buttons');
    const note = page.getByText(/^This user has been disabled since/);

    await page.route('**/disabled', (route) => route.fulfill({ status: 502 }));
    await disable.first().click();
    await page.getByRole('dialog').getByText('The service does not answer (502). Try again.').waitFor();
    await page.keyboard.press('Escape');
    await page.unroute('**/disabled');

    await disable.first().click();
    await note.first().waitFor({ timeout: 5_000 });
    t.equal(await page.getByRole('dialog').count(), 0, 'no dialog asks for a reason');
    t.same([await note.count(), await enable.count(), await disable.count()], [rows, rows, 0]);
    t.ok(await enable.first().evaluate((node) => node.matches(':focus')), 'the focus stays at the button');
    await checkRendering(t, page, 'incidents of a disabled user');

    const act = async (button: typeof enable) => {
      await button.first().click();
      await page.getByRole('dialog').getByLabel('Reason, for the log').fill('the phone is back');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    };
    await act(enable);
    await disable.nth(1).waitFor({ timeout: 5_000 });
    t.ok(await logIn({ userId: ann, client: HOME }));
    await act(disable);
    await enable.nth(1).waitFor({ timeout: 5_000 });
    await t.rejects(logIn({ userId: ann, client: HOME }), { code: 'account_disabled' });
    t.same(errors, []);
  },
);

t.test('untrusted text is shown as text in the pages of a user and of a session', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, refresh, errors } = started;
  const evil = '<img src=x onerror="document.title=1"></text><script>document.title=1</script>';
  const pair = await logIn({ userId: ann, client: { ...HOME, userAgent: evil } });
  await refresh(pair, { client: { ...OFFICE, userAgent: `${evil}2` } });
  await page.goto(`${url}/console`);
  await signIn(page);
  for (const path of [`users/${ann}`, `sessions/${String(claimsOf(pair.access).sid)}`]) {
    await page.goto(`${url}/console/${path}`);
    await page.getByRole('table').waitFor();
    t.equal(await page.locator('main img, main script').count(), 0);
    t.ok(await page.getByText('<img src=x').first().isVisible());
  }
  t.same(errors, []);
});

t.test('a page says so when the session of the operator has ended', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, setOperator, olga } = started;
  await page.goto(`${url}/console`);
  await signIn(page);
  // The page must have read its list, which a session that has ended cannot read.
  await page.getByText('No rotated token was replayed').waitFor();
  await setOperator(olga, false);
  await page.getByRole('link', { name: 'Find' }).click();
  await page.getByLabel(/^Id/).fill(ann);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('Your session has ended. Sign in again.').waitFor();
  t.equal(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length'), '00');
});
