import t, { type Test } from 'tap';
import { addAuthenticatorApp } from '../support/factors.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD, PASSWORD_COST, passwordHasher } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

const OTHER_PASSWORD = 'another violet piano 43';
const ADDRESS = '203.0.113.1';
const ann = { username: 'Ann', email: 'ann@example.com', password: PASSWORD };
const credentials = { username: 'ann', password: PASSWORD };
const bearer = (body: Record<string, unknown>) => ({ authorization: `Bearer ${body.access}` });

/** The hasher of a replica with other parameters. */
const otherReplica = passwordHasher({ cost: { ...PASSWORD_COST, memory: 2048 } });

/**
 * A service with a signed-in user. `replaceDuring` stores a new hash of the password when a method of a store is
 * called.
 */
async function startSignedIn(t: Test) {
  const service = await startHttpService(t);
  const { users, post } = service;
  await post('/auth/register', ann);
  const { body } = await post('/auth/login', credentials);

  async function replaceHash(password: string): Promise<string> {
    const user = await users.findByIdentifier('ann');
    const hash = await otherReplica.hash(password, ADDRESS);
    await users.rehash(user?.id ?? '', user?.passwordHash ?? '', hash);
    return hash;
  }

  function replaceDuring<Name extends string>(
    store: Record<Name, (...args: never[]) => unknown>,
    name: Name,
    { times, password }: { readonly times: number; readonly password: string },
  ): void {
    const method = store[name] as (...args: unknown[]) => unknown;
    let left = times;
    const replaced = async (...args: unknown[]) => {
      left -= 1;
      if (left >= 0) await replaceHash(password);
      return method(...args);
    };
    Object.assign(store, { [name]: replaced });
    t.teardown(() => Object.assign(store, { [name]: method }));
  }

  return { ...service, pair: bearer(body), replaceHash, replaceDuring };
}

t.test('a login succeeds when another replica replaces the hash before the session opens', async (t) => {
  const { post, families, replaceDuring } = await startSignedIn(t);
  replaceDuring(families, 'open', { times: 2, password: PASSWORD });
  t.equal((await post('/auth/login', credentials)).status, 200);
});

t.test('a login gives up with 503 when the hash is replaced at each attempt', async (t) => {
  const { post, families, replaceDuring } = await startSignedIn(t);
  replaceDuring(families, 'open', { times: 3, password: PASSWORD });
  t.match(await post('/auth/login', credentials), { status: 503, body: { code: 'unavailable' } });
});

t.test(
  'a login with the old password fails when the password changes before the session opens',
  async (t) => {
    const { post, families, replaceDuring } = await startSignedIn(t);
    replaceDuring(families, 'open', { times: 1, password: OTHER_PASSWORD });
    t.match(await post('/auth/login', credentials), { status: 401, body: { code: 'invalid_credentials' } });
  },
);

t.test('a login asks for a factor that is added before the session opens', async (t) => {
  const { families, ...service } = await startSignedIn(t);
  const { access } = (await service.post('/auth/login', credentials)).body;
  const { open } = families;
  const openAfterAddition: typeof open = async (...args) => {
    Object.assign(families, { open });
    await addAuthenticatorApp(service, { access: String(access) });
    return open(...args);
  };
  Object.assign(families, { open: openAfterAddition });
  const { status, body } = await service.post('/auth/login', credentials);
  t.match([status, body.code, body.kinds], [401, 'second_factor_required', ['totp']]);
});

t.test('a login gets no challenge for the second step if its password changes meanwhile', async (t) => {
  const { replaceDuring, secondFactors, ...service } = await startSignedIn(t);
  const { access } = (await service.post('/auth/login', credentials)).body;
  await addAuthenticatorApp(service, { access: String(access) });
  replaceDuring(secondFactors, 'find', { times: 1, password: PASSWORD });
  t.match(await service.post('/auth/login', credentials), { body: { code: 'second_factor_required' } });
  replaceDuring(secondFactors, 'find', { times: 1, password: OTHER_PASSWORD });
  const { status, body } = await service.post('/auth/login', credentials);
  t.match([status, body.code, body.challenge], [401, 'invalid_credentials', undefined]);
});

t.test('a login keeps the hash that another replica has stored in the meantime', async (t) => {
  const { post, users, replaceHash } = await startSignedIn(t);
  await replaceHash(PASSWORD);
  const stored = users.rehash;
  let kept = '';
  Object.assign(users, {
    async rehash(id: string, expected: string, hash: string) {
      Object.assign(users, { rehash: stored });
      kept = await replaceHash(PASSWORD);
      return stored(id, expected, hash);
    },
  });
  t.equal((await post('/auth/login', credentials)).status, 200);
  t.equal((await users.findByIdentifier('ann'))?.passwordHash, kept);
});

const change = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };

t.test('a password change succeeds when a login replaces the hash at that moment', async (t) => {
  const { post, users, pair, replaceDuring } = await startSignedIn(t);
  replaceDuring(users, 'changePassword', { times: 2, password: PASSWORD });
  t.equal((await post('/auth/password', change, pair)).status, 204);
  t.equal((await post('/auth/login', credentials)).status, 401);
  t.equal((await post('/auth/login', { ...credentials, password: change.newPassword })).status, 200);
});

t.test('a password change fails when another change commits at that moment', async (t) => {
  const { post, users, pair, replaceDuring } = await startSignedIn(t);
  replaceDuring(users, 'changePassword', { times: 1, password: OTHER_PASSWORD });
  t.match(await post('/auth/password', change, pair), { status: 401, body: { code: 'invalid_credentials' } });
  t.equal((await post('/auth/login', { ...credentials, password: OTHER_PASSWORD })).status, 200);
});

t.test('an account is deleted when a login replaces the hash at that moment', async (t) => {
  const { send, users, pair, replaceDuring } = await startSignedIn(t);
  replaceDuring(users, 'remove', { times: 2, password: PASSWORD });
  const headers = { ...pair, 'content-type': 'application/json' };
  const body = JSON.stringify({ password: PASSWORD });
  t.equal((await send('/auth/me', { method: 'DELETE', headers, body })).status, 204);
  t.equal(await users.findByIdentifier('ann'), null);
});

t.test('an account stays when its password changes at the moment of its deletion', async (t) => {
  const { send, users, pair, replaceDuring } = await startSignedIn(t);
  replaceDuring(users, 'remove', { times: 1, password: OTHER_PASSWORD });
  const headers = { ...pair, 'content-type': 'application/json' };
  const body = JSON.stringify({ password: PASSWORD });
  t.equal((await send('/auth/me', { method: 'DELETE', headers, body })).status, 401);
  t.ok(await users.findByIdentifier('ann'));
});

t.test('replicas with different parameters accept simultaneous logins of one user', async (t) => {
  if (!(await requirePostgres(t))) return;
  const [shared, folder] = [await testDatabase(t), await dataDir(t)];
  const replica = (memory: string) =>
    startServiceInProcess(t, {
      DATABASE_URL: shared,
      DATA_DIR: folder,
      ARGON2_MEMORY: memory,
      LOGIN_ACCOUNT_LIMIT: '1000/1h',
    });
  const replicas = [await replica('1024'), await replica('2048')];
  const post = (url: string, path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await post(replicas[0]?.url ?? '', '/auth/register', ann);
  for (let round = 0; round < 8; round += 1) {
    const asked = [0, 1, 0, 1, 0, 1].map((index) => replicas[index]?.url ?? '');
    const answers = await Promise.all(asked.map((url) => post(url, '/auth/login', credentials)));
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200],
    );
  }
});
