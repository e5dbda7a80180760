import t from 'tap';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { accountPages } from '../support/account-page.ts';
import { addAuthenticatorApp, logIn, registerAndLogIn } from '../support/factors.ts';
import { startHttpService } from '../support/http.ts';

const NEW_PASSWORD = 'a yellow piano 43';

/** Lets the next `times` calls of a method fail. */
function failNext<Name extends string>(
  store: Record<Name, (...args: never[]) => unknown>,
  name: Name,
  times = 1,
): void {
  const method = store[name];
  let left = times;
  const failing = async (...args: never[]) => {
    left -= 1;
    if (left >= 0) throw new StoreUnavailable('unknown', new Error(`${name} failed`));
    return method(...args);
  };
  Object.assign(store, { [name]: failing });
}

t.test('a second step succeeds although its success cannot be counted', async (t) => {
  const service = await startHttpService(t);
  const app = await addAuthenticatorApp(service, await registerAndLogIn(service));
  const { challenge } = (await logIn(service, 'ann')).body;
  failNext(service.proofAttempts, 'recordSuccess');
  const answer = await service.post('/auth/login/second-factor', { challenge, code: app.code() });
  t.match(answer, { status: 200, body: { access: String, refresh: String } });
  t.match(service.lines.join(''), 'a right proof still counts as a wrong one');
});

t.test('a password reset succeeds although the earlier failures cannot be forgotten', async (t) => {
  const service = await startHttpService(t);
  const { id: userId } = await registerAndLogIn(service);
  const { users, links, time } = service;
  const token = links.makeResetSecret('a link');
  const reset = { hashedToken: links.hashSecret(token), userId, expiresAt: time.now + 60_000 };
  await users.addReset(reset, []);
  failNext(service.attempts, 'recordRecovery');
  const answer = await fetch(new URL('/auth/password/reset', service.url), {
    method: 'POST',
    body: new URLSearchParams({ token, newPassword: NEW_PASSWORD }),
  });
  t.equal(answer.status, 200);
  t.equal((await logIn(service, 'ann', NEW_PASSWORD)).status, 200);
  t.match(service.lines.join(''), 'earlier wrong passwords still delay logins');
});

t.test('a sign-in to the account page survives one lost connection after its login', async (t) => {
  const pages = await accountPages(t);
  const { addCookie } = pages.accountPageSessions;
  let calls = 0;
  // The first call commits, and its answer is lost.
  pages.accountPageSessions.addCookie = async (session) => {
    await addCookie(session);
    calls += 1;
    if (calls === 1) throw new StoreUnavailable('unknown', new Error('connection lost'));
  };
  const cookie = await pages.signIn();
  t.equal((await pages.show('/account', cookie)).title, 'Your account');
  t.equal((await pages.sessionIds()).length, 1);
});

t.test('a sign-in to the account page succeeds although the former session cannot be ended', async (t) => {
  const pages = await accountPages(t);
  const former = await pages.signIn();
  failNext(pages.families, 'revoke');
  const cookie = await pages.signIn({}, {}, former);
  t.not(cookie, '');
  t.not(cookie, former);
  t.equal((await pages.show('/account', cookie)).title, 'Your account');
  t.match(pages.lines.join(''), 'the previous session of an account page could not be ended');
});
