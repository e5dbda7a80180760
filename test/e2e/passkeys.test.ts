import type { CDPSession, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { bearer, logIn, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { PASSKEY_ORIGIN } from '../support/sessions.ts';

/** A page of the origin that passkeys are bound to, with an authenticator that holds discoverable passkeys. */
async function pageWithAuthenticator(
  t: Test,
): Promise<{ page: Page; devtools: CDPSession; id: string } | null> {
  const browser = await launchChromium(t);
  if (browser === null) return null;
  const page = await browser.newPage();
  await page.route(`${PASSKEY_ORIGIN}/**`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>An app</title>' }),
  );
  await page.goto(`${PASSKEY_ORIGIN}/`);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId: id } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, devtools, id };
}

/** The answers of the user's browser. These functions run in the page, and Node.js has no types for its globals. */
const inPage = {
  create: (page: Page, publicKey: unknown) =>
    page.evaluate(async (json) => {
      const { PublicKeyCredential: web, navigator } = globalThis as unknown as WebAuthnPage;
      const options = { publicKey: web.parseCreationOptionsFromJSON(json) };
      return (await navigator.credentials.create(options)).toJSON();
    }, publicKey),

  get: (page: Page, publicKey: unknown) =>
    page.evaluate(async (json) => {
      const { PublicKeyCredential: web, navigator } = globalThis as unknown as WebAuthnPage;
      const options = { publicKey: web.parseRequestOptionsFromJSON(json) };
      return (await navigator.credentials.get(options)).toJSON();
    }, publicKey),
};

/** The part of the browser's API that the test uses. */
interface WebAuthnPage {
  readonly PublicKeyCredential: Record<
    'parseCreationOptionsFromJSON' | 'parseRequestOptionsFromJSON',
    (json: unknown) => unknown
  >;
  readonly navigator: {
    readonly credentials: Record<'create' | 'get', (options: object) => Promise<{ toJSON(): object }>>;
  };
}

t.test(
  'a real browser adds a passkey, and logs in with it as the second factor and without a password',
  async (t) => {
    const chromium = await pageWithAuthenticator(t);
    if (chromium === null) return;
    const { page, devtools, id } = chromium;
    const service = await startHttpService(t);
    const { post } = service;
    const ann = await registerAndLogIn(service);

    const begun = (await post('/auth/factors/passkeys/options', undefined, bearer(ann))).body;
    const credential = await inPage.create(page, begun.publicKey);
    const added = await post(
      '/auth/factors/passkeys',
      { challenge: begun.challenge, credential },
      bearer(ann),
    );
    t.equal(added.status, 201);
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId: id });
    t.match(credentials, [{ isResidentCredential: true, rpId: 'localhost' }]);

    const again = (await post('/auth/factors/passkeys/options', undefined, bearer(ann))).body;
    await t.rejects(
      inPage.create(page, again.publicKey),
      /InvalidStateError|registered/,
      'a device refuses a second passkey',
    );

    const first = (await logIn(service, 'ann')).body;
    t.match(first, { code: 'second_factor_required', kinds: ['passkey'] });
    const assertion = await inPage.get(page, first.publicKey);
    const second = await post('/auth/login/second-factor', { challenge: first.challenge, assertion });
    t.equal(second.status, 200);
    t.match(claimsOf(String(second.body.access)), { sub: ann.id, acr: 'aal2' });

    const login = (await post('/auth/login/passkey/options')).body;
    const proof = { challenge: login.challenge, assertion: await inPage.get(page, login.publicKey) };
    const pair = await post('/auth/login/passkey', proof);
    t.equal(pair.status, 200);
    t.match(claimsOf(String(pair.body.access)), { sub: ann.id, amr: ['user', 'hwk', 'mfa'] });
    t.match(await post('/auth/login/passkey', proof), { status: 401, body: { code: 'proof_refused' } });

    await devtools.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false });
    const unverified = (await post('/auth/login/passkey/options')).body;
    await t.rejects(inPage.get(page, unverified.publicKey), /NotAllowedError|not allowed/);
  },
);
