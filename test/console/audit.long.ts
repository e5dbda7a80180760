import t from 'tap';
import { checkRendering, signIn, startConsole } from '../support/console-pages.ts';
import { SAFARI } from '../support/example-events.ts';
import { claimsOf } from '../support/forge.ts';

const HOME = { address: '192.0.2.7', userAgent: SAFARI };
const EVIL = '<img src=x onerror="document.title=1"></td>';

t.test('an operator finds events by type, user, session and time, newest first', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, refresh, time, errors } = started;
  time.now = Date.now() - 3_600_000;
  const pair = await logIn({ userId: ann, client: HOME });
  time.now += 1_000;
  await refresh(pair, { client: { address: '203.0.113.20', userAgent: EVIL } });
  time.now = Date.now();
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('table').waitFor();
  const types = () => page.locator('tbody th').allTextContents();
  t.equal((await types())[0], 'sessions.started', 'the login of the operator is the newest event');
  t.equal(await page.locator('main img').count(), 0, 'the user agent is shown as text');
  t.ok(await page.getByText('<img src=x').first().isVisible());
  await checkRendering(t, page, 'audit');

  const show = async (fields: Readonly<Record<string, string>>, caption: RegExp) => {
    for (const label of ['Type', 'User id', 'Session id', 'From (UTC)', 'Before (UTC)'])
      await page.getByLabel(label, { exact: true }).fill(fields[label] ?? '');
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await page.locator('caption', { hasText: caption }).waitFor();
    return types();
  };
  const ofSession = { 'Session id': String(claimsOf(pair.access).sid) };
  const changes = (await show(ofSession, /events/)).filter((type) => type !== 'sessions.started');
  t.ok(changes.length > 0);
  t.same(await show({ ...ofSession, Type: 'sessions.started' }, /1 event,/), ['sessions.started']);
  t.match(page.url(), /\?type=sessions\.started&session=/, 'the filter is in the address');
  const at = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 16);
  const recent = { 'From (UTC)': at(time.now - 60_000), 'Before (UTC)': at(time.now + 120_000) };
  t.same(await show({ ...recent, Type: 'sessions.started' }, /1 event,/), ['sessions.started']);
  await page.getByLabel('User id').fill(ann);
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('No event matches.').waitFor();
  t.same(errors, []);
});

t.test('a long log is shown in pages', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, ann, logIn, time } = started;
  for (let count = 0; count < 60; count += 1) {
    time.now += 1_000;
    await logIn({ userId: ann, client: HOME });
  }
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/audit?user=${ann}&type=sessions.started`);
  await page.getByRole('link', { name: 'Older events' }).click();
  await page.getByText('10 events, newest first').waitFor();
});
