import { EventEmitter, once } from 'node:events';
import t, { type Test } from 'tap';
import { SessionError, type SessionState } from '../../client/src/index.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import {
  countAnswers,
  logInNewUser,
  sessionOf,
  sharedStorage,
  startClient,
  startSignedIn,
} from './support/sessions.ts';

const ANN = { username: 'ann', password: PASSWORD };

/** Advances a clock by this number of seconds. */
function skipAhead(t: Test, seconds: number, clock: { now(): number } = performance): void {
  const now = clock.now.bind(clock);
  clock.now = () => now() + seconds * 1000;
  t.teardown(() => {
    clock.now = now;
  });
}

t.test('a user logs in, is recognized and logs out', async (t) => {
  const service = await startHttpService(t);
  await service.post('/auth/register', { ...ANN, email: 'ann@example.com' });
  const states: SessionState[] = [];
  const client = startClient(t, { url: `${service.url}/` });
  t.equal(await client.token(), null);
  const stop = client.subscribe((state) => states.push(state));
  await client.logIn(ANN.username, ANN.password);
  const me = await client.fetch(`${service.url}/auth/me`);
  t.match(await me.json(), { username: 'ann' });
  await client.logOut();
  t.equal(await client.token(), null);
  t.equal((await client.fetch(`${service.url}/auth/me`)).status, 401);
  t.equal(countAnswers(service, '/auth/logout', 204), 1);
  stop();
  await client.logIn(ANN.username, ANN.password);
  t.same(states, [
    { signedIn: false, code: null },
    { signedIn: true, code: null },
    { signedIn: false, code: null },
  ]);
  const late: SessionState[] = [];
  client.subscribe((state) => late.push(state));
  await client.token();
  t.same(late, [{ signedIn: true, code: null }], 'a later listener gets the current state');
});

t.test('a wrong password is a typed error, and ends no session', async (t) => {
  const service = await startHttpService(t);
  const { client, pair, signedOut } = await startSignedIn(t, service);
  await t.rejects(client.logIn('ann', 'a wrong password'), {
    name: 'SessionError',
    code: 'invalid_credentials',
    recovery: 'login',
    status: 401,
    retryAfter: 0,
  });
  t.equal(await client.token(), pair.access);
  for (let round = 0; round < 10; round += 1) await client.logIn('ann', 'wrong').catch(() => {});
  await t.rejects(client.logIn('ann', 'wrong'), {
    code: 'too_many_requests',
    recovery: 'retry',
    status: 429,
  });
  const error: unknown = await client.logIn('ann', 'wrong').catch((reason) => reason);
  t.ok(error instanceof SessionError && error.retryAfter > 0);
  t.same(signedOut, []);
});

t.test('a token is refreshed before it expires, once for all callers', async (t) => {
  const service = await startHttpService(t);
  const { client, pair } = await startSignedIn(t, service);
  t.equal(await client.token(), pair.access);
  skipAhead(t, 900 - 45);
  t.equal(await client.token(), pair.access, 'no caller waits while the old token is valid for a while');
  skipAhead(t, 20);
  const tokens = await Promise.all(Array.from({ length: 100 }, () => client.token()));
  t.equal(new Set(tokens).size, 1);
  t.not(tokens[0], pair.access);
  t.equal(countAnswers(service, '/auth/refresh'), 1);
  t.equal(await client.token(), tokens[0]);
  t.not(await client.token(tokens[0] ?? ''), tokens[0], 'a token that was rejected is not returned again');
  t.same(await sessionOf(service, pair), { generation: 2, ended: null });
});

t.test(
  'a closed client still refreshes, logs out and adopts a pair, and other clients learn its refresh and logout from the storage',
  async (t) => {
    const service = await startHttpService(t);
    const storage = sharedStorage();
    const { client, pair } = await startSignedIn(t, service, { storage });
    const events = new EventEmitter();
    const ended = once(events, 'ended');
    const onSignedOut = () => void events.emit('ended');
    const other = startClient(t, { url: service.url, storage, onSignedOut });
    t.equal(await other.token(), pair.access);
    client.close();
    const next = await client.token(pair.access);
    t.not(next, pair.access);
    t.equal(await other.token(pair.access), next);
    await client.logOut();
    t.equal(await other.token(next ?? ''), null);
    await ended;
    t.equal(await client.token(), null);
    const again = await logInNewUser(service);
    await client.adopt(again);
    t.equal(await client.token(), again.access);
  },
);

t.test('a wrong system clock ends no session', async (t) => {
  const service = await startHttpService(t);
  for (const [name, offset, refreshes] of [
    ['set back by a day', 86_400_000, 0],
    ['as it was', 0, 0],
    ['set forward by a day', -86_400_000, 1],
  ] as const) {
    const storage = sharedStorage();
    const { pair, signedOut } = await startSignedIn(t, service, { storage, name });
    const kept = JSON.parse(storage.items.get(name) ?? '');
    storage.items.set(name, JSON.stringify({ ...kept, at: kept.at + offset }));
    const before = countAnswers(service, '/auth/refresh');
    const reloaded = startClient(t, { url: service.url, storage, name });
    t.ok(await reloaded.token());
    t.equal(countAnswers(service, '/auth/refresh') - before, refreshes, name);
    t.equal((await sessionOf(service, pair)).ended, null);
    service.time.now += 16 * 60_000;
    t.equal(
      (await reloaded.fetch(`${service.url}/auth/me`)).status,
      200,
      'one 401, one refresh, one repetition',
    );
    t.same(signedOut, []);
  }
});

t.test(
  'after the machine slept, `token` returns no expired token, whichever clock stood still',
  async (t) => {
    for (const clock of [Date, performance]) {
      const service = await startHttpService(t);
      const { client, pair } = await startSignedIn(t, service);
      t.equal(await client.token(), pair.access);
      service.time.now += 16 * 60_000;
      skipAhead(t, 16 * 60, clock); // the other clock stands still
      const token = await client.token();
      t.not(token, pair.access);
      const me = await service.send('/auth/me', { headers: { authorization: `Bearer ${token}` } });
      t.equal(me.status, 200, 'the service accepts the token');
      t.equal(countAnswers(service, '/auth/refresh'), 1);
    }
  },
);

t.test(
  'after the machine slept, the token is refreshed before a request whose body cannot be sent twice',
  async (t) => {
    const service = await startHttpService(t);
    const account = { ...ANN, email: 'ann@example.com' };
    await service.post('/auth/register', account);
    const client = startClient(t, { url: service.url });
    await client.logIn(ANN.username, ANN.password);
    const text = JSON.stringify({ currentPassword: ANN.password, newPassword: 'another violet piano 43' });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const address = `${service.url}/auth/password`;
    const request = () => client.fetch(new Request(address, { ...init, body: text }));
    const stream = { ...init, body: new Blob(['{}']).stream(), duplex: 'half' } as const;
    for (const [send, status] of [
      [request, 204],
      [() => client.fetch(address, stream), 400],
    ] as const) {
      service.time.now += 16 * 60_000;
      skipAhead(t, 16 * 60, Date); // performance.now stands still
      const refreshes = countAnswers(service, '/auth/refresh');
      t.equal((await send()).status, status, 'the service accepted the access token');
      t.equal(countAnswers(service, '/auth/password', 401), 0);
      t.equal(countAnswers(service, '/auth/refresh') - refreshes, 1);
    }
  },
);

t.test('a session that was ended elsewhere ends in the client, with the reason', async (t) => {
  const service = await startHttpService(t);
  const { client, pair, signedOut } = await startSignedIn(t, service);
  await service.post('/auth/logout', { refreshToken: pair.refresh });
  const answer = await client.fetch(`${service.url}/auth/me`);
  t.equal(answer.status, 401);
  t.match(await answer.json(), { code: 'unauthenticated' }, 'the body can still be read');
  t.equal(await client.token(), null);
  t.same(signedOut, ['session_revoked']);
  await client.logOut();
  t.equal(countAnswers(service, '/auth/logout', 204), 1, 'nothing is left to log out');
});

t.test('a logout ends this session, the other sessions or all sessions', async (t) => {
  const service = await startHttpService(t);
  await service.post('/auth/register', { ...ANN, email: 'ann@example.com' });
  const device = () => startClient(t, { url: service.url });
  const [first, second, third] = [device(), device(), device()];
  const devices = [first, second, third];
  const alive = async () => {
    const answers = await Promise.all(devices.map((device) => device.fetch(`${service.url}/auth/me`)));
    return answers.map((answer) => answer.status);
  };
  for (const device of devices) await device.logIn(ANN.username, ANN.password);
  t.same(await alive(), [200, 200, 200]);
  await first.logOut('others');
  t.same(await alive(), [200, 401, 401]);
  await second.logIn(ANN.username, ANN.password);
  await third.logIn(ANN.username, ANN.password);
  await first.logOut();
  t.same(await alive(), [401, 200, 200]);
  await second.logOut('all');
  t.same(await alive(), [401, 401, 401]);
});

t.test(
  'a logout always ends the session in the client, also if the service refuses it or does not answer',
  async (t) => {
    const service = await startHttpService(t);
    const forged = {
      access: 'a.b.c',
      refresh: `${(await logInNewUser(service)).refresh.slice(0, -4)}AAAA`,
      expiresIn: 900,
    };
    const { client, signedOut } = await startSignedIn(t, service);
    await client.adopt(forged);
    await t.rejects(client.logOut('others'), { code: 'invalid_token' });
    t.same(signedOut, []);
    await client.logOut();
    t.same(signedOut, [null]);
    const away = await startSignedIn(t, service, {
      fetch: (input, init) => fetch(String(input).replace(service.url, 'http://127.0.0.1:1'), init),
    });
    await t.rejects(away.client.logOut(), { code: 'unreachable', recovery: 'retry', status: 0 });
    t.same(away.signedOut, [null]);
    t.equal(await away.client.token(), null);
  },
);

t.test('clients that share a storage share the session', async (t) => {
  const service = await startHttpService(t);
  const storage = sharedStorage();
  const { client, pair } = await startSignedIn(t, service, { storage });
  const events = new EventEmitter();
  const other = startClient(t, {
    url: service.url,
    storage,
    onSignedOut: (code) => events.emit('signed out', code),
  });
  const [one, two] = await Promise.all([client.token(pair.access), other.token(pair.access)]);
  t.equal(one, two);
  t.equal(countAnswers(service, '/auth/refresh'), 1);
  const heard = once(events, 'signed out');
  await client.logOut();
  t.same(await heard, [null], 'the other client is notified without a call');
});

t.test('a storage entry that holds no pair is ignored, and the next pair replaces it', async (t) => {
  const service = await startHttpService(t);
  const pair = await logInNewUser(service);
  for (const entry of ['undefined', '{"access":', '42', 'null', '[]', '{}']) {
    const storage = sharedStorage();
    storage.items.set('kinship', entry);
    const client = startClient(t, { url: service.url, storage });
    t.equal(await client.token(), null, entry);
    await client.logOut();
    await client.adopt(pair);
    t.equal(await client.token(), pair.access, entry);
  }
});

t.test('an error of a listener does not fail the call', async (t) => {
  const service = await startHttpService(t);
  const { client } = await startSignedIn(t, service);
  const uncaught = once(process, 'uncaughtException');
  client.subscribe(() => {
    throw new Error('of the listener');
  });
  t.ok(await client.token());
  t.match(await uncaught, [{ message: 'of the listener' }]);
});
