import t from 'tap';
import { proofKey, proofOf } from '../support/dpop.ts';
import { addAuthenticatorApp, bearer, logIn, logInWithCode, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;

/** A user with an authenticator app and recovery codes. */
async function userWithFactor(service: HttpService) {
  const ann = await registerAndLogIn(service);
  const app = await addAuthenticatorApp(service, ann);
  const { body } = await service.post('/auth/factors/recovery-codes', undefined, bearer(ann));
  const challenge = async () => String((await logIn(service, 'ann')).body.challenge);
  const answer = (values: object) => service.post('/auth/login/second-factor', values);
  const wrong = () => (app.code() === '000000' ? '000001' : '000000');
  return { ann, app, codes: body.codes as string[], challenge, answer, wrong };
}

const REFUSED = { status: 401, body: { code: 'proof_refused', recovery: 'none' } };

t.test('a login with a second factor takes two steps', async (t) => {
  const service = await startHttpService(t);
  const { ann, app, codes, answer } = await userWithFactor(service);
  const first = await logIn(service, 'ann');
  t.match(first, {
    status: 401,
    body: {
      code: 'second_factor_required',
      recovery: 'none',
      challenge: /^[\w-]+(\.[\w-]*){4}$/,
      kinds: ['totp', 'recovery_code'],
    },
  });
  t.equal(first.headers.get('cache-control'), 'no-store');
  t.match(first.headers.get('www-authenticate'), /^Bearer/);
  const { challenge } = first.body;
  const pair = await answer({ challenge, code: app.code() });
  t.match(pair, { status: 200, body: { access: /^ey/, refresh: /^ey/, expiresIn: 900 } });
  const me = await service.send('/auth/me', { headers: bearer({ access: String(pair.body.access) }) });
  t.match(me, { status: 200, body: { userId: ann.id } });
  const { refresh: refreshToken, access: accessToken } = pair.body;
  t.equal((await service.post('/auth/refresh', { refreshToken, accessToken })).status, 200);

  const again = (await logIn(service, 'ann')).body.challenge;
  t.match(await answer({ challenge: again, recoveryCode: codes[0]?.toLowerCase() }), { status: 200 });
  t.match((await service.send('/auth/factors', { headers: bearer(ann) })).body, {
    recoveryCodes: 9,
    items: [{ lastUsedAt: /^\d{4}-/ }],
  });
});

t.test('the answer to a wrong password never reveals a second factor', async (t) => {
  const service = await startHttpService(t);
  await userWithFactor(service);
  const answers = [await logIn(service, 'ann', 'a wrong piano 42'), await logIn(service, 'nobody', PASSWORD)];
  const [one, other] = answers.map(({ status, body: { instance, ...body } }) => ({ status, ...body }));
  t.same(one, other);
  t.match(one, { code: 'invalid_credentials' });
});

t.test('the session is paired or unpaired as the first step requested', async (t) => {
  const service = await startHttpService(t);
  const { app, answer } = await userWithFactor(service);
  const first = await service.post('/auth/login?binding=refresh', { username: 'ann', password: PASSWORD });
  const pair = (await answer({ challenge: first.body.challenge, code: app.code() })).body;
  t.equal((await service.post('/auth/refresh', { refreshToken: pair.refresh })).status, 200);
});

t.test('the second step needs a proof of the key that the first step used', async (t) => {
  const service = await startHttpService(t);
  const { app } = await userWithFactor(service);
  const [key, other] = [proofKey(), proofKey()];
  const post = (path: string, body: object, by = key) =>
    service.post(path, body, {
      dpop: proofOf(by, 'POST', new URL(path, service.url).href, service.time.now),
    });
  const { challenge } = (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const answer = { challenge, code: app.code() };
  const second = '/auth/login/second-factor';
  t.match(
    await service.post(second, answer),
    { status: 401, body: { code: 'invalid_dpop_proof' } },
    'no proof',
  );
  t.match(
    await post(second, answer, other),
    { status: 401, body: { code: 'invalid_dpop_proof' } },
    'other key',
  );
  const pair = await post(second, answer);
  t.match(pair, { status: 200, body: { tokenType: 'DPoP' } }, 'and the code was not used up before');
  t.same(claimsOf(String(pair.body.access)).cnf, { jkt: key.jkt });

  const unbound = (await logIn(service, 'ann')).body.challenge;
  const refused = await post(second, { challenge: unbound, code: '000000' });
  t.match(
    refused,
    { status: 401, body: { code: 'invalid_dpop_proof' } },
    'the second step alone binds nothing',
  );
});

t.test(
  'the session has the lifetime that the first step requested, and the authentication of both steps',
  async (t) => {
    const service = await startHttpService(t);
    const { app, answer } = await userWithFactor(service);
    const credentials = { username: 'ann', password: PASSWORD, remember: false };
    const { challenge } = (await service.post('/auth/login', credentials)).body;
    const pair = (await answer({ challenge, code: app.code() })).body;
    const claims = claimsOf(String(pair.access));
    t.match(claims, { amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' });
    const family = await service.families.find(String(claims.sid));
    t.equal(family && family.expiresAt - family.createdAt <= service.policy.sessionShortAge, true);
  },
);

t.test('a code and a challenge are valid once', async (t) => {
  const service = await startHttpService(t);
  const { app, codes, challenge, answer, wrong } = await userWithFactor(service);
  const used = await challenge();
  t.match(await answer({ challenge: used, code: wrong() }), REFUSED);
  t.equal(
    (await answer({ challenge: used, code: app.code() })).status,
    200,
    'a wrong code does not end the challenge',
  );
  service.time.now += 30_000;
  t.match(await answer({ challenge: used, code: app.code() }), REFUSED, 'a used challenge');
  const code = app.code();
  t.equal((await answer({ challenge: await challenge(), code })).status, 200);
  t.match(await answer({ challenge: await challenge(), code }), REFUSED, 'a used code');
  const [recoveryCode] = codes;
  t.equal((await answer({ challenge: await challenge(), recoveryCode })).status, 200);
  t.match(await answer({ challenge: await challenge(), recoveryCode }), REFUSED, 'a used recovery code');
});

t.test('a challenge ends after five answers or five minutes', async (t) => {
  const service = await startHttpService(t);
  const { app, codes, challenge, answer, wrong } = await userWithFactor(service);
  const guessed = await challenge();
  for (let n = 0; n < 5; n += 1) t.match(await answer({ challenge: guessed, code: wrong() }), REFUSED);
  t.match(await answer({ challenge: guessed, code: app.code() }), REFUSED);
  const [old, older] = [await challenge(), await challenge()];
  service.time.now += 5 * MINUTE - 1;
  t.equal((await answer({ challenge: old, code: app.code() })).status, 200);
  service.time.now += 1;
  const [recoveryCode] = codes;
  t.match(await answer({ challenge: older, recoveryCode }), REFUSED);
  t.equal(
    (await answer({ challenge: await challenge(), recoveryCode })).status,
    200,
    'the code was not used up',
  );
});

t.test('every refused second step gets the same bytes', async (t) => {
  const service = await startHttpService(t);
  const { app, codes, challenge, answer, wrong } = await userWithFactor(service);
  const [used, expired, outdated] = [await challenge(), await challenge(), await challenge()];
  await answer({ challenge: used, recoveryCode: codes[0] });
  const send = async (values: object) => {
    const refused = await fetch(`${service.url}/auth/login/second-factor`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'the-same-for-all' },
      body: JSON.stringify(values),
    });
    const { date: _, ...headersOfAnswer } = Object.fromEntries(refused.headers);
    return JSON.stringify([refused.status, headersOfAnswer, await refused.text()]);
  };
  const answers = [
    await send({ challenge: used, code: app.code() }),
    await send({ challenge: await challenge(), code: wrong() }),
    await send({ challenge: await challenge(), recoveryCode: codes[0] }),
    await send({ challenge: `${expired}A`, code: app.code() }),
    await send({ challenge: 'no challenge', code: app.code() }),
  ];
  const user = await service.users.findByIdentifier('ann');
  await service.secondFactors.replaceRecoveryCodes(user?.id ?? '', [], null, []);
  answers.push(await send({ challenge: outdated, code: app.code() }));
  service.time.now += 300_000;
  answers.push(await send({ challenge: expired, code: app.code() }));
  t.match(answers[0], 'proof_refused');
  t.equal(new Set(answers).size, 1);
});

t.test('a change of the account ends its challenges', async (t) => {
  const service = await startHttpService(t);
  const { ann, app, codes, challenge, answer } = await userWithFactor(service);
  const { post, send } = service;
  const newPassword = 'a yellow piano 43';
  const changes: Record<string, () => Promise<{ status: number }>> = {
    'new recovery codes': () => post('/auth/factors/recovery-codes', undefined, bearer(ann)),
    'a second app': async () => {
      const second = await addAuthenticatorApp(service, ann);
      return send(`/auth/factors/${second.id}`, { method: 'DELETE', headers: bearer(ann) });
    },
    'a new address': async () => {
      const headers = await logInWithCode(service, 'ann', app.code());
      await post('/auth/email', { email: 'ann@example.org' }, headers);
      const mails = await service.outbox.claim('mail', service.time.now, service.time.now, 100);
      const [token = ''] = mails.flatMap(({ event }) =>
        event.type === 'users.email_change_requested'
          ? [service.links.makeAddressSecret(event.data.linkId)]
          : [],
      );
      const body = new URLSearchParams({ token });
      return fetch(`${service.url}/auth/email/change`, { method: 'POST', body });
    },
    'a new password': async () => {
      const headers = await logInWithCode(service, 'ann', app.code());
      return post('/auth/password', { currentPassword: PASSWORD, newPassword }, headers);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    const before = await challenge();
    t.ok((await change()).status < 300, name);
    service.time.now += 30_000;
    t.match(await answer({ challenge: before, code: app.code() }), REFUSED, name);
    t.match(await answer({ challenge: before, recoveryCode: codes[0] }), REFUSED, name);
  }
});

t.test('after ten wrong codes further codes are delayed, except from a network of the owner', async (t) => {
  const service = await startHttpService(t, { http: { trustProxy: ['127.0.0.1'] } });
  const { app, challenge, wrong } = await userWithFactor(service);
  const from = (address: string, values: object) =>
    service.post('/auth/login/second-factor', values, { 'x-forwarded-for': address });
  t.equal((await from('192.0.2.1', { challenge: await challenge(), code: app.code() })).status, 200);
  service.time.now += 30_000;
  for (let n = 0; n < 2; n += 1) {
    const guessed = await challenge();
    for (let guess = 0; guess < 5; guess += 1)
      t.match(await from(`198.51.100.${n}`, { challenge: guessed, code: wrong() }), REFUSED);
  }
  const limited = await from('198.51.100.9', { challenge: await challenge(), code: app.code() });
  t.match(limited, { status: 429, body: { code: 'too_many_requests' } });
  t.equal(limited.headers.get('retry-after'), '30');
  t.match(limited.headers.get('ratelimit-policy'), /^"proof-account"/);
  t.equal((await from('192.0.2.1', { challenge: await challenge(), code: app.code() })).status, 200);
});

t.test('wrong codes of one account do not delay another account', async (t) => {
  const service = await startHttpService(t);
  const { answer, challenge, wrong } = await userWithFactor(service);
  for (let n = 0; n < 10; n += 1) await answer({ challenge: await challenge(), code: wrong() });
  t.equal((await answer({ challenge: await challenge(), code: wrong() })).status, 429);
  const bob = await registerAndLogIn(service, 'bob');
  const app = await addAuthenticatorApp(service, bob);
  const { body } = await logIn(service, 'bob');
  t.equal((await answer({ challenge: body.challenge, code: app.code() })).status, 200);
});

t.test('a login that stops after the right password does not make its network known', async (t) => {
  const service = await startHttpService(t);
  const { challenge, answer, wrong } = await userWithFactor(service);
  for (let n = 0; n < 10; n += 1) await answer({ challenge: await challenge(), code: wrong() });
  t.equal((await answer({ challenge: await challenge(), code: wrong() })).status, 429);
});

t.test('the second step refuses undocumented members and values', async (t) => {
  const service = await startHttpService(t);
  const { app, challenge, answer, codes } = await userWithFactor(service);
  const good = await challenge();
  for (const body of [
    {},
    { challenge: good },
    { challenge: good, code: app.code(), recoveryCode: codes[0] },
    { challenge: good, code: '12345' },
    { challenge: good, code: '1234567' },
    { challenge: good, code: 123456 },
    { challenge: good, code: app.code(), userId: 'x' },
    { challenge: 'x'.repeat(2_049), code: app.code() },
    { challenge: good, recoveryCode: 'x'.repeat(65) },
  ])
    t.match(
      await answer(body),
      { status: 400, body: { code: 'invalid_request' } },
      JSON.stringify(body).slice(0, 60),
    );
  t.equal(
    (await answer({ challenge: good, code: app.code() })).status,
    200,
    'no refused request was counted as an attempt',
  );
});

t.test(
  'a service key still logs the user in, and a reset of the password does not remove the factor',
  async (t) => {
    const service = await startHttpService(t);
    const { ann } = await userWithFactor(service);
    const { post, outbox, links } = service;
    t.equal((await post(`/auth/login?userId=${ann.id}`)).status, 200);
    await post('/auth/password/forgot', { email: ann.email });
    let token = '';
    for (let n = 0; n < 100 && token === ''; n += 1) {
      const mails = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, 0, 100);
      const reset = mails.find(({ event }) => event.type === 'users.password_forgotten');
      if (reset?.event.type === 'users.password_forgotten')
        token = links.makeResetSecret(reset.event.data.resetId);
    }
    const newPassword = 'a yellow piano 43';
    t.equal((await post('/auth/password/reset', { token, newPassword })).status, 204);
    t.match(await logIn(service, 'ann', newPassword), {
      status: 401,
      body: { code: 'second_factor_required' },
    });
  },
);

const atDoors = (service: HttpService, userId: string) => ({
  'task-api': () => service.post('/api/v1/login/', { username: 'ann', password: PASSWORD }),
  'session-id': () => service.post('/api/v1/auth/login', { guid: userId }),
  'cookie-pair': async () => {
    const { status, headers } = await fetch(`${service.url}/${userId}`);
    return { status, headers, body: {} };
  },
});

t.test('the doors without a second step refuse an account with a factor', async (t) => {
  const service = await startHttpService(t);
  const { ann } = await userWithFactor(service);
  const sessions = async () =>
    (await service.families.list(ann.id, { now: service.time.now, limit: 10, after: null })).length;
  for (const [door, open] of Object.entries(atDoors(service, ann.id))) {
    const from = service.lines.length;
    t.equal((await open()).status, 403, door);
    const events = service.lines.slice(from).map((line) => JSON.parse(line));
    t.ok(
      events.some(({ event, userId }) => event === 'second_factor_missing' && userId === ann.id),
      `${door}: log`,
    );
  }
  t.equal(await sessions(), 1, 'only the session that added the factor');
});

t.test('a setting lets accounts with a factor log in at the doors without a second step', async (t) => {
  const service = await startHttpService(t, { legacyDoorsSkipSecondFactor: true });
  const { ann } = await userWithFactor(service);
  for (const [door, open] of Object.entries(atDoors(service, ann.id)))
    t.equal((await open()).status, 200, door);
  t.equal((await logIn(service, 'ann')).body.code, 'second_factor_required', 'but not at the canonical door');
});

t.test('a removed factor is not asked for', async (t) => {
  const service = await startHttpService(t);
  const { ann, app } = await userWithFactor(service);
  await service.send(`/auth/factors/${app.id}`, { method: 'DELETE', headers: bearer(ann) });
  t.equal((await logIn(service, 'ann')).status, 200);
});

t.test('the metrics count a login with two steps once', async (t) => {
  const service = await startHttpService(t);
  const { app, challenge, answer, wrong } = await userWithFactor(service);
  const value = async (name: string) => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  const succeeded = 'auth_logins_success_total';
  const refused = 'auth_logins_failed_total\\{reason="proof_refused"\\}';
  const before = await value(succeeded);
  const text = await challenge();
  t.equal(await value(succeeded), before);
  t.equal(await value('auth_logins_failed_total\\{reason="second_factor_required"\\}'), 0);
  await answer({ challenge: text, code: wrong() });
  t.equal(await value(refused), 1);
  await answer({ challenge: text, code: app.code() });
  t.equal(await value(succeeded), before + 1);
});
