import t from 'tap';
import { accountPages } from '../support/account-page.ts';
import { addAuthenticatorApp, bearer } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;
const CREDENTIALS = { username: 'ann', password: PASSWORD };
const SECOND_STEP = '/account/sign-in/second-factor';

/** The pages of ann, who has an authenticator app and recovery codes. */
async function withApp(t: Parameters<typeof accountPages>[0]) {
  const pages = await accountPages(t);
  const access = await pages.logInByApi();
  const app = await addAuthenticatorApp(pages, { access });
  const made = await pages.post('/auth/factors/recovery-codes', {}, bearer({ access }));
  return {
    ...pages,
    ...app,
    recoveryCodes: made.body.codes as string[],
    async challenge() {
      const { html } = await pages.submit('/account/sign-in', CREDENTIALS);
      return /name="challenge" value="([^"]+)"/.exec(html)?.[1] ?? '';
    },
  };
}

t.test('the right password leads to a second step, and the code of an app signs in', async (t) => {
  const { submit, show, challenge, code } = await withApp(t);
  const first = await submit('/account/sign-in', CREDENTIALS);
  t.equal(first.status, 200);
  t.equal(first.title, 'Enter your second factor');
  t.same(first.headers.getSetCookie(), [], 'the password alone signs no user in');
  t.match(first.html, 'autocomplete="one-time-code"');
  const typed = code();
  const answer = await submit(SECOND_STEP, {
    challenge: await challenge(),
    code: `${typed.slice(0, 3)} ${typed.slice(3)}`,
  });
  t.equal(answer.status, 303);
  const [set = ''] = answer.headers.getSetCookie();
  const { title, html } = await show('/account', set.split(';')[0]);
  t.equal(title, 'Your account');
  t.match(html, '<bdi>Phone</bdi> (Authenticator app): added');
  t.match(html, 'Unused recovery codes: 10.');
});

t.test('a recovery code signs in once', async (t) => {
  const { submit, challenge, recoveryCodes } = await withApp(t);
  const [code = ''] = recoveryCodes;
  t.equal((await submit(SECOND_STEP, { challenge: await challenge(), code })).status, 303);
  const again = await submit(SECOND_STEP, { challenge: await challenge(), code });
  t.equal(again.status, 401);
  t.match(again.error, /wrong, or was used before/);
});

t.test('a wrong code shows the form again, and five wrong codes end the challenge', async (t) => {
  const { submit, challenge, code } = await withApp(t);
  const sealed = await challenge();
  const wrong = code() === '000000' ? '000001' : '000000';
  for (let answer = 0; answer < 5; answer += 1) {
    const refused = await submit(SECOND_STEP, { challenge: sealed, code: wrong });
    t.equal(refused.status, 401);
    t.match(refused.error, /After five codes or five minutes, .* start the sign-in again/);
    t.match(refused.html, `value="${sealed}"`);
    t.same(refused.headers.getSetCookie(), []);
  }
  t.equal((await submit(SECOND_STEP, { challenge: sealed, code: code() })).status, 401);
  t.equal((await submit(SECOND_STEP, { challenge: await challenge(), code: code() })).status, 303);
});

t.test('an expired or altered challenge, and a form of another site, open no session', async (t) => {
  const { submit, challenge, code, time } = await withApp(t);
  const sealed = await challenge();
  for (const text of ['x', `${sealed}x`, sealed.slice(1), '"><script>alert(1)</script>']) {
    const { status, html } = await submit(SECOND_STEP, { challenge: text, code: code() });
    t.equal(status, 401);
    t.notMatch(html, '<script');
  }
  time.now += 6 * MINUTE;
  t.equal((await submit(SECOND_STEP, { challenge: sealed, code: code() })).status, 401);
  const foreign = { 'sec-fetch-site': 'cross-site' };
  const form = { challenge: await challenge(), code: code() };
  t.equal((await submit(SECOND_STEP, form, undefined, foreign)).status, 403);
  t.equal((await submit(SECOND_STEP, form)).status, 303);
});

t.test('a sign-in with two steps also becomes idle after 30 minutes', async (t) => {
  const { submit, show, challenge, code, time } = await withApp(t);
  const answer = await submit(SECOND_STEP, { challenge: await challenge(), code: code() });
  const [set = ''] = answer.headers.getSetCookie();
  time.now += 30 * MINUTE;
  t.equal((await show('/account', set.split(';')[0])).title, 'Sign in to your account');
});

t.test(
  'a new address needs a recent proof of the second factor, and the password is not enough',
  async (t) => {
    const { submit, show, challenge, code, time } = await withApp(t);
    const signIn = async () => {
      const answer = await submit(SECOND_STEP, { challenge: await challenge(), code: code() });
      return answer.headers.getSetCookie()[0]?.split(';')[0];
    };
    const cookie = await signIn();
    const form = { email: 'ann@example.org' };
    time.now += 11 * MINUTE;
    t.notMatch((await show('/account/email', cookie)).html, 'type="password"');
    for (const more of [{}, { password: PASSWORD }]) {
      const refused = await submit('/account/email', { ...form, ...more }, cookie);
      t.equal(refused.status, 401);
      t.equal(refused.title, 'Confirm that it is you');
      t.notMatch(refused.html, 'type="password"');
    }
    t.equal((await submit('/account/email', form, await signIn())).title, 'Open your mailbox');
  },
);

t.test('the page of an account without a second factor says so', async (t) => {
  const { signIn, show } = await accountPages(t);
  t.match((await show('/account', await signIn())).html, 'Your account has no second factor');
});
