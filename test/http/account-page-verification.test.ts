import t from 'tap';
import { accountPages } from '../support/account-page.ts';
import { PASSWORD } from '../support/passwords.ts';
import { waitForValue } from '../support/wait-until.ts';

const FORM = '/account/email/verification';
/** The form for users who cannot sign in. */
const ADDRESS_FORM = '/account/unconfirmed-address';
const BUTTON = 'Mail me the link again';
const DAY = 86_400_000;

type Pages = Awaited<ReturnType<typeof accountPages>>;

/** The tokens of the confirmation links that were mailed since the last call. */
async function mailedTokens({ outbox, links, time }: Pages): Promise<string[]> {
  const mails = await outbox.claim('mail', time.now, Number.MAX_SAFE_INTEGER, 100);
  return mails.flatMap(({ event }) =>
    event.type === 'users.email_verification_requested' ? [links.makeAddressSecret(event.data.linkId)] : [],
  );
}

t.test(
  'the form beside an unconfirmed address mails a link, and the link confirms the address',
  async (t) => {
    const pages = await accountPages(t, { emailVerification: 'optional' });
    const { signIn, show, submit } = pages;
    const cookie = await signIn();
    await mailedTokens(pages);
    const before = await show('/account', cookie);
    t.match(before.html, 'which is not confirmed');
    t.match(before.html, `<form method="post" action="${FORM}">`);
    t.match(before.html, BUTTON);

    const answer = await submit(FORM, {}, cookie);
    t.match(answer, { status: 200, title: 'Your account', error: null });
    t.match(
      answer.html,
      '<p role="status">A mail with the link is on its way to <strong><bdi>ann@example.com</bdi></strong>.</p>',
    );
    const [token = '', ...more] = await mailedTokens(pages);
    t.same(more, []);
    t.equal((await submit('/auth/email/verify', { token })).title, 'Your address is confirmed');

    const after = await show('/account', cookie);
    t.notMatch(after.html, 'which is not confirmed');
    t.notMatch(after.html, BUTTON, 'a confirmed address has no form');
    const late = await submit(FORM, {}, cookie);
    t.same([late.status, late.headers.get('location')], [303, '/account']);
    t.same(await mailedTokens(pages), []);
  },
);

t.test('the form says when the limit of links is reached, and mails nothing until then', async (t) => {
  const pages = await accountPages(t, { emailVerification: 'optional' });
  const { signIn, submit, time, lines } = pages;
  for (let links = 1; links < 3; links += 1) t.equal((await submit(FORM, {}, await signIn())).status, 200);
  t.equal((await mailedTokens(pages)).length, 3, 'with the link of the registration');
  const refused = await submit(FORM, {}, await signIn());
  t.match(refused, { status: 429, title: 'Your account' });
  t.equal(refused.error, 'An address gets at most 3 of these links a day. Try again in 24 hours.');
  t.match(refused.html, '<title>Error: Your account');
  t.ok(Number(refused.headers.get('retry-after')) > 0);
  t.same(await mailedTokens(pages), []);
  t.match(lines.join(''), '"limit":"verification-mails"');
  time.now += DAY;
  t.equal((await submit(FORM, {}, await signIn())).status, 200);
  t.equal((await mailedTokens(pages)).length, 1);
});

t.test('without a session the form leads to the sign-in, and mails nothing', async (t) => {
  const pages = await accountPages(t, { emailVerification: 'optional' });
  await mailedTokens(pages);
  for (const answer of [await pages.submit(FORM, {}), await pages.show(FORM)])
    t.same([answer.status, answer.headers.get('location')], [303, '/account']);
  t.same(await mailedTokens(pages), []);
});

t.test('there is no form with EMAIL_VERIFICATION=off, or if the service sends no mails', async (t) => {
  for (const settings of [
    { emailVerification: 'off' },
    { emailVerification: 'optional', sendsMails: false },
  ] as const) {
    const { signIn, show, submit } = await accountPages(t, settings);
    const cookie = await signIn();
    t.notMatch((await show('/account', cookie)).html, BUTTON);
    t.equal((await submit(FORM, {}, cookie)).status, 404);
  }
});

t.test('the refusal to add a second factor names the button', async (t) => {
  const { signIn, submit } = await accountPages(t, { emailVerification: 'optional' });
  const cookie = await signIn();
  for (const path of ['totp', 'passkeys/begin'])
    t.match(await submit(`/account/factors/${path}`, {}, cookie), {
      status: 403,
      title: 'Your second factors',
      error:
        /open the link in the mail\. The page of your account has the button “Mail me the link again”\.$/,
    });
});

t.test('the page of a used or expired link names the account page, where it helps', async (t) => {
  for (const [settings, names] of [
    [{ emailVerification: 'optional' }, true],
    [{ emailVerification: 'optional', http: { accountPages: false } }, false],
  ] as const) {
    const { visit, submit } = await accountPages(t, settings);
    for (const page of [
      await visit('/auth/email/verify?token=x'),
      await submit('/auth/email/verify', { token: 'x' }),
    ]) {
      t.match(page, { status: 403, title: 'This link is no longer valid' });
      t.equal(page.html.includes('<a href="/account">'), names, JSON.stringify(settings));
      t.equal(page.html.includes(BUTTON), names);
      t.match(page.html, 'It was used before, or it has expired.');
    }
  }
});

t.test(
  'a refused sign-in leads to a form that mails another link, which lets the user sign in',
  async (t) => {
    const pages = await accountPages(t, { emailVerification: 'required' });
    const { submit, show, visit, signIn } = pages;
    await mailedTokens(pages);
    t.notMatch((await show('/account')).html, ADDRESS_FORM, 'only after the right password');
    t.notMatch((await submit('/account/sign-in', { username: 'ann', password: 'x' })).html, ADDRESS_FORM);
    const refused = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
    t.match(refused, { status: 403, html: `href="${ADDRESS_FORM}"` });
    t.match((await visit('/auth/email/verify?token=x')).html, `href="${ADDRESS_FORM}"`);
    t.equal((await show(ADDRESS_FORM)).title, 'Confirm your address');

    const answer = await submit(ADDRESS_FORM, { email: 'ann@example.com' });
    t.match(answer, { status: 200, title: 'Open your mailbox' });
    const token = await waitForValue('the mail', async () => (await mailedTokens(pages))[0]);
    t.equal((await submit('/auth/email/verify', { token })).title, 'Your address is confirmed');
    t.equal((await show('/account', await signIn())).title, 'Your account');
  },
);

t.test(
  'that form does not tell whether an address has an account, and mails at most three links',
  async (t) => {
    const pages = await accountPages(t, { emailVerification: 'required' });
    const { submit } = pages;
    const answers = [];
    for (let sent = 0; sent < 5; sent += 1)
      answers.push(await submit(ADDRESS_FORM, { email: 'ann@example.com' }));
    const mailed: string[] = [];
    await waitForValue('two links after the link of the registration', async () => {
      mailed.push(...(await mailedTokens(pages)));
      return mailed.length >= 3 ? mailed : undefined;
    });
    answers.push(await submit(ADDRESS_FORM, { email: 'unknown@example.com' }));
    t.same(await mailedTokens(pages), []);
    t.equal(mailed.length, 3);
    for (const { status, html } of answers) t.same([status, html], [200, answers[0]?.html]);
    const bad = await submit(ADDRESS_FORM, { email: 'no address' });
    t.match(bad, { status: 400, title: 'Confirm your address', html: 'value="no address"' });
  },
);

t.test('where no sign-in needs a confirmed address, that form does not exist', async (t) => {
  for (const emailVerification of ['optional', 'off'] as const) {
    const { submit } = await accountPages(t, { emailVerification });
    t.equal((await submit(ADDRESS_FORM, { email: 'ann@example.com' })).status, 404);
  }
});
