import t from 'tap';
import { nonceOf, softwareAuthenticator } from '../support/authenticator.ts';
import { addAuthenticatorApp, bearer, logIn, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { secretIn, totpCode } from '../support/totp.ts';

const MINUTE = 60_000;

async function claimMails({ outbox }: HttpService) {
  const entries = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  return entries.map(({ event, contact }) => [event.type, 'kind' in event.data && event.data.kind, contact]);
}

const send = (
  service: HttpService,
  method: string,
  path: string,
  signed: { access: string },
  body?: object,
) =>
  service.send(path, {
    method,
    headers: { ...bearer(signed), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });

t.test('an authenticator app is added, listed, renamed and removed, and each change is mailed', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const headers = bearer(ann);
  t.match(await send(service, 'GET', '/auth/factors', ann), {
    status: 200,
    body: { items: { length: 0 }, recoveryCodes: 0 },
  });

  const made = await service.post('/auth/factors/totp', { label: 'Phone' }, headers);
  t.equal(made.status, 200);
  t.equal(made.headers.get('cache-control'), 'no-store');
  t.match(made.body, { id: /^[0-9a-f-]{36}$/, qr: /^<svg.*<\/svg>$/s });
  t.match(made.body.uri, /^otpauth:\/\/totp\/auth\.example\.com:ann\?/);
  t.match((await send(service, 'GET', '/auth/factors', ann)).body.items, { length: 0 }, 'not in use yet');
  t.equal((await logIn(service, 'ann')).status, 200);

  const confirm = (code: string, id = made.body.id) =>
    service.post(`/auth/factors/totp/${id}/confirm`, { code }, headers);
  const code = totpCode(secretIn(made.body.uri), service.time.now);
  const wrong = code === '000000' ? '000001' : '000000';
  t.match(await confirm(wrong), { status: 401, body: { code: 'proof_refused', recovery: 'none' } });
  t.match(await confirm(code, ann.id), { status: 404 });
  t.match(await confirm('12345'), { status: 400 });
  t.same(await claimMails(service), []);
  t.equal((await confirm(code)).status, 204);
  t.equal((await confirm(code)).status, 404, 'once');

  const path = `/auth/factors/${made.body.id}`;
  t.equal((await send(service, 'PATCH', path, ann, { label: 'Ännes Telefon' })).status, 204);
  t.equal(
    (await send(service, 'PATCH', path, ann, { label: 'Ännes Telefon' })).status,
    204,
    'the same again',
  );
  t.equal((await send(service, 'PATCH', path, ann, { label: ' ' })).status, 400);
  const renames = await service.send('/admin/audit?type=users.factor_renamed', {
    headers: { 'x-api-key': service.adminKey },
  });
  t.equal((renames.body.data as unknown[]).length, 1);
  const { body } = await send(service, 'GET', '/auth/factors', ann);
  t.same(body.items, [
    {
      id: made.body.id,
      kind: 'totp',
      label: 'Ännes Telefon',
      createdAt: new Date(service.time.now).toISOString(),
    },
  ]);
  t.equal((await send(service, 'DELETE', path, ann)).status, 204);
  t.equal((await send(service, 'DELETE', path, ann)).status, 404);
  t.same((await send(service, 'GET', '/auth/factors', ann)).body, { items: [], recoveryCodes: 0 });
  t.same(await claimMails(service), [
    ['users.factor_added', 'totp', 'ann@example.com'],
    ['users.factor_removed', 'totp', 'ann@example.com'],
  ]);
  const events = service.lines.map((line) => JSON.parse(line).event).filter(Boolean);
  t.same(events, ['factor_added', 'factor_removed']);
});

t.test('a new app replaces the unconfirmed one, and must be confirmed within an hour', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const add = async () => (await service.post('/auth/factors/totp', undefined, bearer(ann))).body;
  const confirm = ({ id, uri }: Record<string, unknown>) =>
    service.post(
      `/auth/factors/totp/${id}/confirm`,
      { code: totpCode(secretIn(uri), service.time.now) },
      bearer(ann),
    );
  const [first, second] = [await add(), await add()];
  t.equal((await confirm(first)).status, 404);
  service.time.now += 60 * MINUTE;
  const again = (await logIn(service, 'ann')).body;
  t.equal(
    (
      await service.post(
        `/auth/factors/totp/${second.id}/confirm`,
        { code: '000000' },
        bearer({ access: String(again.access) }),
      )
    ).status,
    404,
  );
});

t.test('a session that ended on another replica can confirm no factor', async (t) => {
  const service = await startHttpService(t);
  const { post, families, revoked, time } = service;
  const ann = await registerAndLogIn(service);
  const headers = bearer(ann);
  const app = (await post('/auth/factors/totp', undefined, headers)).body;
  const begun = (await post('/auth/factors/passkeys/options', undefined, headers)).body;
  // This replica has not received the revocation yet, and treats its list as complete.
  revoked.setComplete(true);
  await families.revoke(String(claimsOf(ann.access).sid), { at: time.now, reason: 'not_me' }, []);
  const code = totpCode(secretIn(app.uri), time.now);
  const credential = softwareAuthenticator().create(nonceOf(begun));
  for (const [path, body] of [
    [`/auth/factors/totp/${app.id}/confirm`, { code }],
    ['/auth/factors/passkeys', { challenge: begun.challenge, credential }],
  ] as const)
    t.match(await post(path, body, headers), { status: 401, body: { code: 'unauthenticated' } }, path);
  t.equal((await logIn(service, 'ann')).status, 200, 'the login asks for no factor');
});

t.test('only an account with a factor gets recovery codes, and they are shown once', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const make = () => service.post('/auth/factors/recovery-codes', undefined, bearer(ann));
  t.match(await make(), { status: 409, body: { code: 'conflict' } });
  const { id } = await addAuthenticatorApp(service, ann);
  const made = await make();
  t.equal(made.status, 200);
  t.equal(made.headers.get('cache-control'), 'no-store');
  const codes = made.body.codes as string[];
  t.equal(new Set(codes).size, 10);
  t.match((await send(service, 'GET', '/auth/factors', ann)).body, { recoveryCodes: 10 });
  const again = (await make()).body.codes as string[];
  t.equal(new Set([...codes, ...again]).size, 20);
  t.match(
    (await send(service, 'GET', '/auth/factors', ann)).body,
    { recoveryCodes: 10 },
    'the new codes replace the earlier ones',
  );
  t.equal((await send(service, 'DELETE', `/auth/factors/${id}`, ann)).status, 204);
  t.match((await send(service, 'GET', '/auth/factors', ann)).body, { recoveryCodes: 0 });
  t.same(
    (await claimMails(service)).map(([type, kind]) => `${type} ${kind}`),
    [
      'users.factor_added totp',
      'users.factor_added recovery_code',
      'users.factor_added recovery_code',
      'users.factor_removed totp',
    ],
  );
});

const STEP_UP = { status: 401, body: { code: 'step_up_required', recovery: 'step_up' } };

t.test('a change of factors needs a recent sign-in', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const add = (body?: object) => service.post('/auth/factors/totp', body, bearer(ann));
  service.time.now += 9 * MINUTE;
  t.equal((await add()).status, 200);
  service.time.now += 2 * MINUTE;
  t.match(await add(), STEP_UP);
  t.match(await add({ password: 'a wrong piano 42' }), {
    status: 401,
    body: { code: 'invalid_credentials' },
  });
  t.equal((await add({ password: PASSWORD })).status, 200, 'a sign-in by password is enough');
});

t.test('an account with a factor can change its factors only after a sign-in with a factor', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const { id, code } = await addAuthenticatorApp(service, ann);
  const { body } = await service.post('/auth/factors/recovery-codes', undefined, bearer(ann));
  t.equal((body.codes as string[]).length, 10, 'the session that added the factor stays live');
  service.time.now += 11 * MINUTE;
  const requests = [
    ['POST', '/auth/factors/totp'],
    ['POST', '/auth/factors/recovery-codes'],
    ['DELETE', `/auth/factors/${id}`],
  ] as const;
  const byKey = (await service.post(`/auth/login?userId=${ann.id}`)).body;
  for (const signed of [ann, { access: String(byKey.access) }])
    for (const [method, path] of requests)
      for (const given of [undefined, { password: PASSWORD }])
        t.match(await send(service, method, path, signed, given), STEP_UP, `${method} ${path}`);

  const tokens = { accessToken: ann.access, refreshToken: ann.refresh };
  const stepUp = (proof: object) => service.post('/auth/step-up', { ...tokens, ...proof });
  const refused = { status: 401, body: { code: 'proof_refused' } };
  t.match(await stepUp({ password: PASSWORD }), refused, 'the password alone is never enough');
  t.match(await stepUp({ recoveryCode: '0123AB-CDEFGH-JKMNPQ-RSTVWX' }), refused);
  const given = code();
  const raised = await stepUp({ code: given });
  t.equal(raised.status, 200);
  const signed = { access: String(raised.body.access) };
  t.match(claimsOf(signed.access), { amr: ['otp', 'mfa'], acr: 'aal2' });
  const { challenge } = (await logIn(service, 'ann')).body;
  t.match(
    await service.post('/auth/login/second-factor', { challenge, code: given }),
    refused,
    'the code is used up',
  );
  const next = { accessToken: raised.body.access, refreshToken: raised.body.refresh };
  const [recoveryCode] = body.codes as string[];
  const again = await service.post('/auth/step-up', { ...next, recoveryCode });
  t.equal(again.status, 200);
  const last = { accessToken: again.body.access, refreshToken: again.body.refresh };
  t.match(
    await service.post('/auth/step-up', { ...last, recoveryCode }),
    refused,
    'the recovery code is also used up',
  );
  t.equal((await send(service, 'DELETE', `/auth/factors/${id}`, signed)).status, 204);
});

t.test('factors of another user are not found', async (t) => {
  const service = await startHttpService(t);
  const [ann, bob] = [await registerAndLogIn(service), await registerAndLogIn(service, 'bob')];
  const { id } = await addAuthenticatorApp(service, ann);
  for (const [method, body] of [
    ['PATCH', { label: 'mine' }],
    ['DELETE', {}],
  ] as const)
    t.equal((await send(service, method, `/auth/factors/${id}`, bob, body)).status, 404);
  t.match((await send(service, 'GET', '/auth/factors', ann)).body, { items: [{ id, label: 'Phone' }] });
  t.same((await send(service, 'GET', '/auth/factors', bob)).body, { items: [], recoveryCodes: 0 });
});

t.test('a user without an account here has no factors', async (t) => {
  const service = await startHttpService(t);
  const pair = await service.logIn();
  t.equal((await send(service, 'GET', '/auth/factors', pair)).status, 404);
  t.equal((await send(service, 'POST', '/auth/factors/totp', pair)).status, 404);
  t.equal((await send(service, 'POST', '/auth/factors/recovery-codes', pair)).status, 404);
});

t.test('an account has at most twenty factors', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  for (let n = 0; n < 20; n += 1) {
    await addAuthenticatorApp(service, ann);
    service.time.now -= 30_000; // the session stays recent
  }
  t.match(await send(service, 'POST', '/auth/factors/totp', ann), {
    status: 409,
    body: { code: 'conflict' },
  });
  const begun = (await service.post('/auth/factors/passkeys/options', undefined, bearer(ann))).body;
  const credential = softwareAuthenticator().create(nonceOf(begun));
  const passkey = { challenge: begun.challenge, credential };
  t.match(await service.post('/auth/factors/passkeys', passkey, bearer(ann)), {
    status: 409,
    body: { code: 'conflict' },
  });
});

t.test('a factor needs a verified address, unless EMAIL_VERIFICATION is off', async (t) => {
  for (const [emailVerification, status] of [
    ['optional', 403],
    ['off', 200],
  ] as const) {
    const service = await startHttpService(t, { emailVerification });
    const ann = await registerAndLogIn(service);
    for (const path of ['/auth/factors/totp', '/auth/factors/passkeys/options']) {
      const added = await service.post(path, undefined, bearer(ann));
      t.equal(added.status, status, `${path}, ${emailVerification}`);
      if (status === 403) t.equal(added.body.code, 'email_unverified');
    }
  }
});
