import { generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { createSigningKeys } from '../../src/adapters/postgres/signing-keys.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { compose } from '../../src/compose.ts';
import { ConfigurationError, readConfig } from '../../src/config.ts';
import { headerOf, hmac, modifyToken } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';

const key = (letter: string) => `${letter}-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`;
const SECRETS = {
  ACCESS_TOKEN_SIGN_KEY: key('a'),
  REFRESH_TOKEN_SIGN_KEY: key('b'),
  REFRESH_TOKEN_HASH_KEY: key('c'),
  KEY_SET_ENCRYPTION_KEY: key('d'),
  DATA_ENCRYPTION_KEY: key('f'),
};

/** The service neither reads nor writes this folder, because the environment has all settings. */
const NOWHERE = '/nowhere';

type Env = Readonly<Record<string, string>>;

/** A replica in this process. It reads its keys every second. */
async function replica(t: Test, env: Env) {
  const base = { API_PORT: '0', MAIL: 'off', KEY_SET_MAX_AGE: '1s', ...SECRETS };
  const config = await readConfig({ ...base, ...env }, NOWHERE);
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const service = await compose(config, log, { limits: { drain: 0 } });
  t.teardown(() => service.close());
  const url = await service.app.listen(config.http);
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  };
  return {
    lines,
    logIn: async () =>
      (await ask('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11', { method: 'POST' }))
        .body as Record<'access' | 'refresh', string>,
    refresh: async ({ access, refresh }: { access: string; refresh: string }) =>
      ask(`/auth/refresh?refreshToken=${refresh}&accessToken=${access}`, { method: 'POST' }),
    verify: async (access: string) =>
      (await ask('/auth/verify', { headers: { authorization: `Bearer ${access}` } })).status,
    kids: async () =>
      (await ask('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid) as string[],
  };
}

async function faultOf(starting: Promise<unknown>): Promise<string> {
  return starting.then(
    () => 'it started',
    (error) => (error instanceof ConfigurationError ? error.message : String(error)),
  );
}

t.test('replicas on one database share one key set and follow its changes', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  const env = { DATABASE_URL, ACCESS_TOKEN_ALG: 'EdDSA' };
  const [one, other] = await Promise.all([replica(t, env), replica(t, env)]);
  const pair = await one.logIn();
  t.same(
    await one.kids(),
    [headerOf(pair.access).kid],
    'replicas that started at the same time made one key',
  );
  t.same(await other.kids(), await one.kids());
  t.equal(await other.verify(pair.access), 204);

  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  const store = createSigningKeys(sql);
  await store.remove(await one.kids(), []);
  await waitUntil(async () => (await other.kids())[0] !== headerOf(pair.access).kid);
  await waitUntil(async () => String(await one.kids()) === String(await other.kids()));
  t.equal(await one.verify(pair.access), 401, 'a token of a removed key is refused');
  t.equal((await one.refresh(pair)).status, 200, 'its pair can still be refreshed');

  const otherKey = { ...env, KEY_SET_ENCRYPTION_KEY: key('e') };
  t.match(
    await faultOf(replica(t, otherKey)),
    /^The signing key [\w-]{43} cannot be opened by a key in KEY_SET_ENCRYPTION_KEY: add the key/,
  );
  const [newest] = await store.list();
  if (newest === undefined) throw new Error('no key');
  await store.add({ ...newest, number: newest.number + 1, id: 'tampered' }, []);
  await waitUntil(() => one.lines.some((line) => line.includes('signing key unusable')));
  t.equal((await one.kids()).length, 1, 'a key that cannot be opened is not published');
  t.equal(
    await one.verify((await one.logIn()).access),
    204,
    'and tokens of the other key are still accepted',
  );
});

t.test('the algorithm can be changed replica by replica', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  const before = await replica(t, { DATABASE_URL });
  const after = await replica(t, { DATABASE_URL, ACCESS_TOKEN_ALG: 'ES256' });
  const [secret, signed] = [await before.logIn(), await after.logIn()];
  t.match([headerOf(secret.access).alg, headerOf(signed.access).alg], ['HS512', 'ES256']);
  for (const [name, service] of Object.entries({ before, after })) {
    t.equal(await service.verify(secret.access), 204, `HS512 ${name}`);
    t.equal(await service.verify(signed.access), 204, `ES256 ${name}`);
  }
  t.equal((await after.refresh(secret)).status, 200);
  t.equal((await before.refresh(signed)).status, 200);
  t.same(await before.kids(), [], 'with HS512 no key is published');
  const forged = modifyToken(secret.access, { header: { alg: 'ES256', kid: 'nobody' } }, hmac('guess'));
  t.equal(await before.verify(forged), 401);

  const unaware = await replica(t, { DATABASE_URL, KEY_SET_ENCRYPTION_KEY: '' });
  t.equal(await unaware.verify(signed.access), 401, 'without the encryption key no stored key is accepted');
});

const jwk = (alg: 'ed25519' | 'ec', kid: string) => {
  const pair = alg === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync(alg);
  return { ...pair.privateKey.export({ format: 'jwk' }), kid };
};

/** Replaces the file atomically, as Kubernetes replaces a mounted secret. */
function writeKeys(path: string, ...keys: object[]): void {
  writeFileSync(`${path}.draft`, JSON.stringify({ keys }));
  renameSync(`${path}.draft`, path);
}

t.test('a key set file takes precedence, and its valid changes are followed', async (t) => {
  if (!(await requirePostgres(t))) return;
  const path = join(t.testdir(), 'keys.json');
  const env = { DATABASE_URL: await testDatabase(t), KEY_SET_FILE: path };
  const eddsa = { ...env, ACCESS_TOKEN_ALG: 'EdDSA' };
  t.match(
    await faultOf(replica(t, eddsa)),
    /^KEY_SET_FILE is ".*keys\.json", which cannot be used: ENOENT\.$/,
  );
  writeFileSync(path, 'not yet');
  t.match(
    await faultOf(replica(t, eddsa)),
    /^KEY_SET_FILE is .*, which cannot be used: is not a JWK Set with at least one key\.$/,
  );
  const [first, second, third] = [jwk('ed25519', 'one'), jwk('ed25519', 'two'), jwk('ec', 'three')];
  writeKeys(path, third);
  t.match(
    await faultOf(replica(t, eddsa)),
    /key 1 must sign: ACCESS_TOKEN_ALG names EdDSA, but the key is for ES256/,
  );

  writeKeys(path, first);
  const service = await replica(t, eddsa);
  const pair = await service.logIn();
  t.equal(headerOf(pair.access).kid, 'one');
  writeKeys(path, first, second);
  await waitUntil(async () => (await service.kids()).length === 2);
  t.equal(headerOf((await service.logIn()).access).kid, 'one', 'the second key waits');
  writeKeys(path, second, first);
  await waitUntil(async () => headerOf((await service.logIn()).access).kid === 'two');
  t.equal(await service.verify(pair.access), 204);
  writeFileSync(path, '{"keys": [');
  await waitUntil(() => service.lines.some((line) => line.includes('the keys read before stay in use')));
  t.same(await service.kids(), ['two', 'one']);

  const hmacs = await replica(t, env);
  t.equal(await hmacs.verify(pair.access), 401, 'an incomplete file is not read');
  writeKeys(path, second, first, third);
  await waitUntil(async () => (await hmacs.verify(pair.access)) === 204);
});
