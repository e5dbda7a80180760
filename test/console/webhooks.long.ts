import t from 'tap';
import { checkRendering, signIn, startConsole, tabTo } from '../support/console-pages.ts';

const EVIL = '<img src=x onerror="document.title=1">';
const MINUTE = 60_000;

type Started = NonNullable<Awaited<ReturnType<typeof startConsole>>>;

/** An endpoint with a delivery in each state. The reason of the failure is untrusted text. */
async function addDeliveries({ post, adminKey, webhookDeliveries, newId, time }: Started) {
  const wanted = {
    url: `https://127.0.0.1/${'long-path/'.repeat(12)}`,
    types: ['users.deleted'],
  };
  const { body } = await post('/admin/webhooks', wanted, { 'x-api-key': adminKey });
  const endpointId = String(body.id);
  const attempt = { at: time.now, milliseconds: 1_200 };
  const outcomes = [
    { state: 'delivered', history: [{ ...attempt, status: 204, reason: null }] },
    { state: 'failed', history: [{ ...attempt, status: null, reason: EVIL }] },
    { state: 'pending', history: [{ ...attempt, status: 503, reason: 'the answer is 503' }] },
  ] as const;
  for (const [index, outcome] of outcomes.entries()) {
    const event = { id: newId(), type: 'sessions.revoked', occurredAt: time.now + index * MINUTE, data: {} };
    await webhookDeliveries.add(endpointId, event);
    const dueAt = time.now + MINUTE;
    await webhookDeliveries.record(endpointId, [{ eventId: event.id, dueAt, ...outcome }]);
  }
  return endpointId;
}

t.test('an operator finds a failed delivery and sends it again', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, lines, errors, webhookDeliveries, time } = started;
  time.now = Date.now();
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByText('No endpoint gets events.').waitFor();
  const endpointId = await addDeliveries(started);
  await page.goto(`${url}/console/webhooks`);
  await page.getByRole('table').waitFor();
  await checkRendering(t, page, 'webhooks');

  await tabTo(page, 'link', /^https:/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Webhook', exact: true }).waitFor();
  await page.getByRole('table').waitFor();
  t.equal(await page.locator('main img').count(), 0, 'the reason of a failure is shown as text');
  t.ok(await page.getByText('<img src=x').first().isVisible());
  await checkRendering(t, page, 'webhook');

  const failed = page.locator('tr.failed');
  await failed.getByRole('button', { name: 'Send again' }).focus();
  await page.keyboard.press('Enter');
  await tabTo(page, 'textbox', 'Reason, for the log');
  await page.keyboard.type('the receiver is repaired');
  await page.keyboard.press('Enter');
  await failed.waitFor({ state: 'detached' });
  const states = (await webhookDeliveries.list(endpointId, 10, null)).map(({ state }) => state);
  t.same(states, ['pending', 'pending', 'delivered']);
  t.ok(lines.some((line) => line.includes('the receiver is repaired')));
  t.same(errors, []);
});

t.test('an operator disables and enables an endpoint, and sends failed events again', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, url, webhookDeliveries, time } = started;
  time.now = Date.now() - 10 * MINUTE;
  const endpointId = await addDeliveries(started);
  time.now += 10 * MINUTE;
  await page.goto(`${url}/console`);
  await signIn(page);
  await page.goto(`${url}/console/webhooks/${endpointId}`);
  for (const name of ['Send failed events again', 'Disable endpoint', 'Enable endpoint']) {
    await page.getByRole('button', { name }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason, for the log').fill('maintenance');
    await dialog.getByRole('button', { name }).click();
    await dialog.waitFor({ state: 'hidden' });
  }
  await page.getByRole('button', { name: 'Disable endpoint' }).waitFor();
  const states = (await webhookDeliveries.list(endpointId, 10, null)).map(({ state }) => state);
  t.same(states, ['pending', 'pending', 'delivered']);
});
