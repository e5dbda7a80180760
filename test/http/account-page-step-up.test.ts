import t from 'tap';
import { accountPages, COOKIE, passkeyOptionsIn } from '../support/account-page.ts';
import { softwareAuthenticator } from '../support/authenticator.ts';
import { addAuthenticatorApp, bearer } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;
const EMAIL = '/account/email';
const FACTORS = '/account/factors';
const CONFIRM = 'Confirm that it is you';
const NEW_ADDRESS = { email: 'ann&new@example.org' };

/** The hidden fields of the first form that contains `marker`. */
function hiddenFields(html: string, marker: string): Record<string, string> {
  const [form = ''] = (html.match(/<form[\s\S]*?<\/form>/g) ?? []).filter((one) => one.includes(marker));
  const fields = [...form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const text = (value: string) => value.replaceAll('&amp;', '&');
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, text(value)]));
}

const cookieOf = ({ headers }: { readonly headers: Headers }) => headers.getSetCookie()[0]?.split(';')[0];

/** Ann has an authenticator app and recovery codes, and signed in to the page with the app eleven minutes ago. */
async function signedInBefore(t: Parameters<typeof accountPages>[0]) {
  const pages = await accountPages(t);
  const access = await pages.logInByApi();
  const app = await addAuthenticatorApp(pages, { access });
  const made = await pages.post('/auth/factors/recovery-codes', {}, bearer({ access }));
  const asked = await pages.submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  const { challenge = '' } = hiddenFields(asked.html, 'code');
  const signedIn = await pages.submit('/account/sign-in/second-factor', { challenge, code: app.code() });
  pages.time.now += 11 * MINUTE;
  const [recoveryCode = ''] = made.body.codes as string[];
  return { ...pages, ...app, access, recoveryCode, cookie: cookieOf(signedIn) ?? '' };
}

/** Adds a passkey with the forms of the page. Returns the cookie that is valid afterwards: a `proof` replaces it. */
async function addPasskey(
  { submit }: Pick<Awaited<ReturnType<typeof accountPages>>, 'submit'>,
  cookie: string,
  proof: Readonly<Record<string, string>> = {},
) {
  const authenticator = softwareAuthenticator();
  const begun = await submit(`${FACTORS}/passkeys/begin`, proof, cookie);
  const next = cookieOf(begun) ?? cookie;
  const credential = JSON.stringify(authenticator.create(passkeyOptionsIn(begun.html).challenge));
  const { challenge = '' } = hiddenFields(begun.html, 'data-passkey');
  await submit(`${FACTORS}/passkeys`, { challenge, credential, label: 'Laptop' }, next);
  return { authenticator, cookie: next };
}

const eventTypes = async ({ outbox, time }: Awaited<ReturnType<typeof signedInBefore>>) =>
  (await outbox.claim('event', time.now, time.now + MINUTE, 100)).map(({ event }) => event.type);

t.test(
  'after an old sign-in a change asks for the code, and continues after the code without a script',
  async (t) => {
    const life = await signedInBefore(t);
    const { submit, show, cookie, code } = life;
    const asked = await submit(EMAIL, NEW_ADDRESS, cookie);
    t.match(asked, { status: 401, title: CONFIRM, error: null });
    t.notMatch(asked.html, '<script');
    const kept = hiddenFields(asked.html, 'name="code"');
    t.same(kept, NEW_ADDRESS, 'the user types nothing again');
    t.notOk((await eventTypes(life)).includes('sessions.stepped_up'));

    const typed = code();
    const spaced = `${typed.slice(0, 3)} ${typed.slice(3)}`;
    const done = await submit(EMAIL, { ...kept, code: spaced }, cookie);
    t.match(done, { status: 200, title: 'Open your mailbox' });
    t.ok((await eventTypes(life)).includes('sessions.stepped_up'));
    const next = cookieOf(done) ?? '';
    t.match(next, new RegExp(`^${COOKIE}=[\\w-]{43}$`));
    t.not(next, cookie);
    t.equal(
      (await show('/account', cookie)).title,
      'Sign in to your account',
      'the previous cookie is refused',
    );
    t.equal((await show('/account', next)).title, 'Your account');
    const codes = await submit(`${FACTORS}/recovery-codes`, {}, next);
    t.equal(codes.title, 'Your recovery codes', 'the proof counts for the next ten minutes');
    life.time.now += 11 * MINUTE;
    t.equal((await submit(EMAIL, NEW_ADDRESS, next)).title, CONFIRM, 'and not longer');
  },
);

t.test('each form of the factors continues after the identity proof', async (t) => {
  const life = await signedInBefore(t);
  const { submit, id, code, time } = life;
  let { cookie } = life;
  for (const [path, form, title] of [
    ['totp', {}, 'Confirm your authenticator app'],
    ['passkeys/begin', {}, 'Add a passkey'],
    ['recovery-codes', {}, 'Your recovery codes'],
    ['remove', { id }, ''],
  ] as const) {
    const asked = await submit(`${FACTORS}/${path}`, form, cookie);
    t.equal(asked.title, CONFIRM, path);
    const done = await submit(
      `${FACTORS}/${path}`,
      { ...hiddenFields(asked.html, 'name="code"'), code: code() },
      cookie,
    );
    t.match(done, { status: path === 'remove' ? 303 : 200, title }, path);
    cookie = cookieOf(done) ?? '';
    time.now += 11 * MINUTE;
  }
  t.match((await life.show(FACTORS, cookie)).html, 'Your account has none.');
});

t.test('an account with a second factor must prove it before the form for a new password', async (t) => {
  const { submit, show, cookie, code, time } = await signedInBefore(t);
  const passwords = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };
  const asked = await show('/account/password', cookie);
  t.equal(asked.title, CONFIRM);
  const refused = await submit('/account/password', passwords, cookie);
  t.match(refused, { status: 401, title: CONFIRM });
  t.notMatch(refused.html, /piano/, 'no page contains a password');
  const form = await submit('/account/password', { code: code() }, cookie);
  t.match(form, { status: 200, title: 'Change your password' });
  const next = cookieOf(form) ?? '';
  t.equal((await show('/account/password', next)).title, 'Change your password');
  const done = await submit('/account/password', passwords, next);
  t.match(done, { status: 200, error: null });
  time.now += 11 * MINUTE;
  t.equal((await show('/account/password', next)).title, CONFIRM);
});

t.test('a wrong or used proof asks again, changes nothing, and keeps the cookie', async (t) => {
  const life = await signedInBefore(t);
  const { submit, show, cookie, code, recoveryCode, outbox, time } = life;
  const used = code();
  const first = await submit(EMAIL, { ...NEW_ADDRESS, code: used }, cookie);
  const next = cookieOf(first) ?? '';
  time.now += 11 * MINUTE;
  await outbox.claim('mail', time.now, time.now + 60 * MINUTE, 100);
  const wrong = code() === '000000' ? '000001' : '000000';
  for (const proof of [{ code: wrong }, { code: used }, { code: 'AAAA-BBBB-CCCC' }, { credential: '{}' }]) {
    const refused = await submit(EMAIL, { email: 'eve@example.org', ...proof }, next);
    t.match(
      refused,
      { status: 401, title: CONFIRM, error: /^The (code is wrong|passkey was not accepted)/ },
      JSON.stringify(proof),
    );
    t.same(hiddenFields(refused.html, 'name="code"'), { email: 'eve@example.org' });
    t.same(refused.headers.getSetCookie(), []);
  }
  t.same(await outbox.claim('mail', time.now, time.now + MINUTE, 100), [], 'no link is mailed');
  t.equal((await show('/account', next)).title, 'Your account');
  const done = await submit(EMAIL, { ...NEW_ADDRESS, code: recoveryCode }, next);
  t.equal(done.title, 'Open your mailbox', 'a recovery code is a proof');
  time.now += 11 * MINUTE;
  const again = await submit(EMAIL, { ...NEW_ADDRESS, code: recoveryCode }, cookieOf(done));
  t.match(again, { status: 401, title: CONFIRM }, 'once');
});

t.test('wrong proofs on the page are counted as attempts, and delay further ones', async (t) => {
  const { submit, cookie, code } = await signedInBefore(t);
  const wrong = code() === '000000' ? '000001' : '000000';
  const answers = [];
  for (let guess = 0; guess < 25; guess += 1)
    answers.push(await submit(EMAIL, { ...NEW_ADDRESS, code: wrong }, cookie));
  const refused = answers.filter(({ status }) => status === 429);
  t.ok(refused.length > 0);
  t.match(refused[0], { title: CONFIRM, error: /Too many attempts/ });
});

t.test('a proof that eight forms send at the same time is accepted once', async (t) => {
  const { submit, cookie, code } = await signedInBefore(t);
  const form = { ...NEW_ADDRESS, code: code() };
  const answers = await Promise.all(Array.from({ length: 8 }, () => submit(EMAIL, form, cookie)));
  t.equal(answers.filter(({ title }) => title === 'Open your mailbox').length, 1);
  t.equal(answers.filter((answer) => cookieOf(answer) !== undefined).length, 1);
});

t.test('a passkey assertion is accepted as a proof on the page', async (t) => {
  const life = await signedInBefore(t);
  const { submit, cookie, code, time } = life;
  const { authenticator, cookie: next } = await addPasskey(life, cookie, { code: code() });
  time.now += 11 * MINUTE;

  const asked = await submit(EMAIL, NEW_ADDRESS, next);
  t.match(asked.headers.get('content-security-policy'), /script-src 'self'$/);
  t.match(asked.html, 'Continue with your passkey');
  const kept = hiddenFields(asked.html, 'data-passkey');
  const assertion = JSON.stringify(authenticator.get(passkeyOptionsIn(asked.html).challenge));
  const done = await submit(EMAIL, { ...kept, credential: assertion }, next);
  t.equal(done.title, 'Open your mailbox');
  time.now += 11 * MINUTE;
  const replayed = await submit(EMAIL, { ...kept, credential: assertion }, cookieOf(done));
  t.match(replayed, { status: 401, title: CONFIRM });
});

t.test('an account whose only factor is a passkey sees why its proof was refused', async (t) => {
  const pages = await accountPages(t);
  const { submit, time } = pages;
  const { authenticator } = await addPasskey(pages, await pages.signIn());
  const asked = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  const assertion = JSON.stringify(authenticator.get(passkeyOptionsIn(asked.html).challenge));
  const step = { ...hiddenFields(asked.html, 'data-passkey'), credential: assertion };
  const signedIn = cookieOf(await submit('/account/sign-in/second-factor', step));
  time.now += 11 * MINUTE;
  const proof = await submit(EMAIL, NEW_ADDRESS, signedIn);
  const kept = hiddenFields(proof.html, 'data-passkey');
  const wrong = { ...kept, credential: '{"id":"x","response":{}}' };
  const refused = await submit(EMAIL, wrong, signedIn);
  t.match(refused, { status: 401, title: CONFIRM, error: /^The passkey was not accepted/ });
  let last = refused;
  for (let attempt = 0; attempt < 10 && last.status === 401; attempt += 1)
    last = await submit(EMAIL, wrong, signedIn);
  t.match(last, { status: 429, error: /^Too many attempts/ });
});

t.test('a proof is refused in an ended session, and a factor of another account is refused', async (t) => {
  const { submit, post, signIn, cookie, code, time } = await signedInBefore(t);
  await post('/auth/register', { username: 'eve', email: 'eve@example.com', password: PASSWORD });
  const eve = await signIn({ username: 'eve' });
  time.now += 11 * MINUTE;
  const typed = code();
  const foreign = await submit(EMAIL, { email: 'eve@example.org', code: typed }, eve);
  t.equal(foreign.status, 401);
  t.same(foreign.headers.getSetCookie(), []);
  await submit('/account/sign-out', {}, cookie);
  const ended = await submit(EMAIL, { ...NEW_ADDRESS, code: typed }, cookie);
  t.match(ended, { status: 303 });
});
