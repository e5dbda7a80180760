import t from 'tap';
import { accountPages, passkeyOptionsIn } from '../support/account-page.ts';
import { softwareAuthenticator } from '../support/authenticator.ts';
import { STEP } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';
import { totpCode } from '../support/totp.ts';
import { waitForValue } from '../support/wait-until.ts';

const FACTORS = '/account/factors';
const MINUTE = 60_000;

type Pages = Awaited<ReturnType<typeof accountPages>>;

const hiddenField = (html: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';

/** Adds an authenticator app with the forms of the page. */
async function addAuthenticatorApp(
  { submit, time }: Pages,
  cookie: string,
  form: Record<string, string> = {},
) {
  const shown = await submit(`${FACTORS}/totp`, form, cookie);
  const [, key = ''] = /<code>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})<\/code>/.exec(shown.html) ?? [];
  const secret = key.replaceAll(' ', '');
  const code = () => totpCode(secret, time.now);
  return { shown, id: hiddenField(shown.html, 'id'), code };
}

t.test('an authenticator app can be added, used to sign in, and removed, with forms alone', async (t) => {
  const pages = await accountPages(t);
  const { submit, show, signIn, time } = pages;
  const cookie = await signIn();
  t.match((await show(FACTORS, cookie)).html, 'Your account has none.');
  const { shown, id, code } = await addAuthenticatorApp(pages, cookie);
  t.equal(shown.title, 'Confirm your authenticator app');
  t.match(shown.html, '<svg');
  t.notMatch(shown.html, '<script');
  const wrong = await submit(`${FACTORS}/totp/confirm`, { id, code: 'no code' }, cookie);
  t.match(wrong, { status: 401, title: 'Confirm your authenticator app', error: /The code is wrong/ });
  t.notMatch(wrong.error, /five/, 'the page of a new app names no limit of five codes');
  t.notMatch(wrong.html, '<svg', 'the secret is shown once');
  t.match(wrong.html, '<a href="/account/factors">add the app again</a>');
  t.notMatch(shown.html, 'add the app again');
  t.equal((await submit(`${FACTORS}/totp/confirm`, { id, code: code() }, cookie)).status, 303);
  const listed = await show(FACTORS, cookie);
  t.match(listed.html, '<bdi>Authenticator app</bdi>: added');
  t.match(listed.html, 'Make recovery codes now.');

  const made = await submit(`${FACTORS}/recovery-codes`, {}, cookie);
  t.equal(made.title, 'Your recovery codes');
  t.equal(made.html.match(/<li>[\dA-Z-]+<\/li>/g)?.length, 10);
  t.match((await show(FACTORS, cookie)).html, 'Unused recovery codes: 10.');

  time.now += STEP;
  const asked = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  const challenge = hiddenField(asked.html, 'challenge');
  t.equal((await submit('/account/sign-in/second-factor', { challenge, code: code() })).status, 303);

  t.equal((await submit(`${FACTORS}/remove`, { id }, cookie)).status, 303);
  const { html } = await show(FACTORS, cookie);
  t.match(html, 'Your account has none.');
  t.notMatch(html, 'recovery codes', 'the removal of the last factor removes the recovery codes');
});

t.test('a passkey can be added and used as the second factor of a sign-in', async (t) => {
  const pages = await accountPages(t);
  const { submit, show, signIn, visit } = pages;
  const cookie = await signIn();
  const authenticator = softwareAuthenticator();
  const begun = await submit(`${FACTORS}/passkeys/begin`, {}, cookie);
  t.equal(begun.title, 'Add a passkey');
  t.match(begun.html, '<script src="/account/passkeys.js" defer></script>');
  t.match(begun.headers.get('content-security-policy'), /script-src 'self'$/);
  const script = await visit('/account/passkeys.js');
  t.match(script.headers.get('content-type'), /^text\/javascript/);
  const challenge = hiddenField(begun.html, 'challenge');
  const credential = JSON.stringify(authenticator.create(passkeyOptionsIn(begun.html).challenge));
  const form = { challenge, credential, label: 'Laptop' };
  for (const faulty of ['', 'x', 'null', '[]', '{"id":1,"response":{}}', '{"id":"x","response":{}}']) {
    const refused = await submit(`${FACTORS}/passkeys`, { ...form, credential: faulty }, cookie);
    t.equal(refused.status, 401, faulty);
    t.match(refused.error, /^The passkey was not accepted/);
  }
  t.equal((await submit(`${FACTORS}/passkeys`, form, cookie)).status, 303);
  const twice = await submit(`${FACTORS}/passkeys/begin`, {}, cookie);
  const same = JSON.stringify(authenticator.create(passkeyOptionsIn(twice.html).challenge));
  const again = { challenge: hiddenField(twice.html, 'challenge'), credential: same, label: 'Laptop' };
  const taken = await submit(`${FACTORS}/passkeys`, again, cookie);
  t.match(taken, { status: 409, error: 'This passkey was added before.' });
  t.match((await show(FACTORS, cookie)).html, '<bdi>Laptop</bdi> (Passkey): added');

  const asked = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  t.equal(asked.title, 'Enter your second factor');
  t.notMatch(asked.html, 'autocomplete="one-time-code"', 'no code can be typed');
  const assertion = JSON.stringify(authenticator.get(passkeyOptionsIn(asked.html).challenge));
  const step = { challenge: hiddenField(asked.html, 'challenge') };
  const refused = await submit('/account/sign-in/second-factor', { ...step, credential: '{}' });
  t.equal(refused.status, 401);
  t.match(refused.error, /^The passkey was not accepted/);
  t.notMatch(refused.html, 'autocomplete="one-time-code"', 'the page asks for no code');
  t.match(refused.html, 'Begin again');
  const answer = await submit('/account/sign-in/second-factor', { ...step, credential: assertion });
  t.equal(answer.status, 303);
});

t.test('the content security policy allows scripts only on pages that need one', async (t) => {
  const { show, signIn } = await accountPages(t);
  const cookie = await signIn();
  for (const path of ['/account', FACTORS, '/account/email', '/account/password']) {
    const { headers, html } = await show(path, cookie);
    t.match(headers.get('content-security-policy'), /^default-src 'none';(?!.*script-src)/, path);
    t.notMatch(html, '<script', path);
  }
});

t.test(
  'after STEP_UP_MAX_AGE a form asks for the password, or for the second factor if the account has one',
  async (t) => {
    const pages = await accountPages(t);
    const { submit, show, signIn, time } = pages;
    const cookie = await signIn();
    t.notMatch((await show(FACTORS, cookie)).html, 'type="password"');
    time.now += 11 * MINUTE;
    t.match((await show(FACTORS, cookie)).html, 'type="password"');
    for (const path of ['totp', 'passkeys/begin']) {
      const refused = await submit(`${FACTORS}/${path}`, {}, cookie);
      t.match(refused, { status: 401, title: 'Your second factors', error: /Enter your password, too/ });
      const wrong = await submit(`${FACTORS}/${path}`, { password: 'wrong' }, cookie);
      t.match(wrong, { status: 401, error: 'The password is wrong.' });
    }
    const { id, code } = await addAuthenticatorApp(pages, cookie, { password: PASSWORD });
    t.equal((await submit(`${FACTORS}/totp/confirm`, { id, code: code() }, cookie)).status, 303);
    time.now += 11 * MINUTE;
    t.notMatch((await show(FACTORS, cookie)).html, 'type="password"');
    for (const [path, form] of [
      ['totp', {}],
      ['passkeys/begin', {}],
      ['recovery-codes', {}],
      ['remove', { id }],
    ] as const) {
      const asked = await submit(`${FACTORS}/${path}`, form, cookie);
      t.match(asked, { status: 401, title: 'Confirm that it is you' }, path);
      t.match(asked.html, `action="${FACTORS}/${path}"`);
      t.same(asked.headers.getSetCookie(), []);
    }
  },
);

t.test(
  'without a session every form leads to the sign-in, and forms of other origins are refused',
  async (t) => {
    const { submit, show, signIn } = await accountPages(t);
    const id = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
    const forms = {
      totp: {},
      'totp/confirm': { id, code: '123456' },
      'recovery-codes': {},
      remove: { id },
      'passkeys/begin': {},
      passkeys: { challenge: 'x', credential: '{}', label: 'x' },
    };
    t.equal((await show(FACTORS)).status, 303);
    const cookie = await signIn();
    for (const [path, form] of Object.entries(forms)) {
      const { status, headers } = await submit(`${FACTORS}/${path}`, form as Record<string, string>);
      t.same([status, headers.get('location')], [303, '/account'], path);
      const foreign = await submit(`${FACTORS}/${path}`, form as Record<string, string>, cookie, {
        origin: 'https://evil.example',
      });
      t.equal(foreign.status, 403, path);
    }
  },
);

t.test('a forgotten password causes a mail, and the page does not reveal who has an account', async (t) => {
  const { submit, show, outbox, time } = await accountPages(t);
  t.match((await show('/account')).html, 'href="/account/forgotten-password"');
  t.equal((await show('/account/forgotten-password')).title, 'Get a new password');
  const known = await submit('/account/forgotten-password', { email: 'ann@example.com' });
  const unknown = await submit('/account/forgotten-password', { email: 'bob@example.com' });
  t.equal(known.title, 'Open your mailbox');
  t.equal(known.html, unknown.html);
  const mailed = await waitForValue('the mail', async () => {
    const claimed = await outbox.claim('mail', time.now, time.now + MINUTE, 100);
    return claimed.length > 0 ? claimed : undefined;
  });
  t.match(mailed, [{ event: { type: 'users.password_forgotten' } }]);
  const refused = await submit('/account/forgotten-password', { email: 'no address' });
  t.match(refused, { status: 400, error: 'The mail address must be one mailbox.' });
});

t.test('/account/ redirects to /account', async (t) => {
  const { status, headers } = await (await accountPages(t)).show('/account/');
  t.equal(status, 308);
  t.equal(headers.get('location'), '/account');
});
