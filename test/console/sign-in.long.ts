import t from 'tap';
import { checkRendering, startConsole } from '../support/console-pages.ts';
import { addAuthenticatorApp, logIn } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';

type Started = NonNullable<Awaited<ReturnType<typeof startConsole>>>;

/** Gives the operator an app for codes, and opens the console. */
async function openWithSecondFactor(started: Started) {
  const { page, url, time } = started;
  time.now = Date.now();
  const { body } = await logIn(started, 'olga');
  const app = await addAuthenticatorApp(started, { access: String(body.access) });
  await page.clock.install();
  await page.goto(`${url}/console`);
  return app;
}

async function enterPassword({ page }: Started) {
  await page.getByLabel('Name or address').fill('olga');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Second step' }).waitFor();
}

/** Sends a code, and waits for the answer. */
async function enterCode({ page }: Started, code: string) {
  await page.getByLabel(/^Code of your app/).fill(code);
  const answer = page.waitForResponse('**/console/session/second-factor');
  await page.getByRole('button', { name: 'Sign in' }).click();
  return (await answer).status();
}

const firstStep = ({ page }: Started) => page.getByRole('heading', { name: 'Sign in to the console' });

t.test('after five wrong codes the sign-in begins again, and succeeds with a right code', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, errors } = started;
  const app = await openWithSecondFactor(started);
  await enterPassword(started);
  t.equal(await page.getByRole('alert').count(), 0);
  for (let count = 1; count <= 4; count += 1) {
    t.equal(await enterCode(started, '000000'), 401);
    await page.getByRole('alert').waitFor();
    t.ok(await page.getByRole('heading', { name: 'Second step' }).isVisible(), `after ${count} wrong codes`);
  }
  t.equal(await enterCode(started, '000000'), 401);
  await firstStep(started).waitFor({ timeout: 5_000 });
  t.match(await page.getByRole('alert').textContent(), /^The code was refused\. .*: sign in again\.$/);
  await checkRendering(t, page, 'sign-in after five wrong codes');
  await enterPassword(started);
  t.equal(await page.getByRole('alert').count(), 0);
  t.equal(await enterCode(started, app.code()), 204);
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();
  t.same(errors, []);
});

t.test('after five minutes the sign-in begins again with the first refused code', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, time } = started;
  const app = await openWithSecondFactor(started);
  await enterPassword(started);
  time.now += 5 * 60_000;
  await page.clock.fastForward(5 * 60_000);
  t.equal(await enterCode(started, app.code()), 401);
  await firstStep(started).waitFor({ timeout: 5_000 });
  await enterPassword(started);
  t.equal(await enterCode(started, app.code()), 204);
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();
});

t.test('an account that may not use the console begins again after its right code', async (t) => {
  const started = await startConsole(t);
  if (started === null) return;
  const { page, setOperator, olga } = started;
  const app = await openWithSecondFactor(started);
  await setOperator(olga, false);
  await enterPassword(started);
  t.equal(await enterCode(started, app.code()), 403);
  await firstStep(started).waitFor({ timeout: 5_000 });
  t.match(await page.getByRole('alert').textContent(), /role operator/);
});
