import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as dpop from 'dpop';
import * as oauth from 'oauth4webapi';
import t, { type Test } from 'tap';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

/** The service as an operator starts it, with the real clock. */
async function start(t: Test, env: Record<string, string> = {}) {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const settings = {
    API_HOST: 'localhost',
    API_PORT: String(port),
    PUBLIC_URL: url,
    LOGIN_BY_USER_ID: 'open',
  };
  await startServiceInProcess(t, {
    ...settings,
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    ...env,
  });
  return url;
}

/** The refusal of a request, as the library reports it. */
async function refusalOf(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof oauth.ResponseBodyError) return error.error;
  if (!(error instanceof oauth.WWWAuthenticateChallengeError))
    throw new Error('The library reported no refusal.', { cause: error });
  const [challenge] = error.cause;
  const reason = challenge?.scheme === 'dpop' ? ` ${challenge.parameters.error}` : '';
  return `${error.status} ${challenge?.scheme}${reason}`;
}

const INSECURE = { [oauth.allowInsecureRequests]: true };

t.test('oauth4webapi discovers, refreshes and calls with its own proofs', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await start(t);
  const issuer = new URL(url);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }),
  );
  const supported = server.dpop_signing_alg_values_supported ?? [];
  const algorithms = ['ES256', 'Ed25519', 'PS256', 'RS256'];
  const missing = algorithms.filter((alg) => !supported.includes(alg));
  t.same(missing, []);
  for (const alg of algorithms) {
    const keys = await oauth.generateKeyPair(alg);
    const login = await fetch(
      `${url}/auth/login?userId=${randomUUID()}&binding=refresh&dpopJkt=${await dpop.calculateThumbprint(keys.publicKey)}`,
      { method: 'POST' },
    );
    const first = (await login.json()) as { refresh: string };
    const client = { client_id: 'kinship' };
    const DPoP = oauth.DPoP({}, keys);
    const exchange = async (refresh: string, handle?: oauth.DPoPHandle) =>
      oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, {
          ...(handle && { DPoP: handle }),
          ...INSECURE,
        }),
      );
    t.equal(await refusalOf(exchange(first.refresh)), 'invalid_dpop_proof', `${alg}: without a proof`);
    const next = await exchange(first.refresh, DPoP);
    t.equal(next.token_type, 'dpop', alg);
    const call = (handle?: oauth.DPoPHandle) =>
      oauth.protectedResourceRequest(
        next.access_token,
        'GET',
        new URL('/auth/me?x=1', url),
        undefined,
        undefined,
        { ...(handle && { DPoP: handle }), ...INSECURE },
      );
    t.equal((await call(DPoP)).status, 200, alg);
    t.equal(await refusalOf(call()), '401 bearer', `${alg}: as a bearer token`);
    const other = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    t.equal(await refusalOf(call(other)), '401 dpop invalid_dpop_proof', `${alg}: under another key`);
    t.ok((await exchange(next.refresh_token ?? '', DPoP)).access_token, `${alg}: the session lives`);
  }
});

t.test(
  'with the package dpop a client logs in and refreshes, and of two replicas only one accepts a proof',
  async (t) => {
    if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
    const { url: REDIS_URL } = await startPrivateRedis(t);
    const shared = { REDIS_URL, DATABASE_URL: await testDatabase(t), DATA_DIR: await dataDir(t) };
    const one = await start(t, shared);
    const other = await start(t, { ...shared, PUBLIC_URL: one });
    const keys = await dpop.generateKeyPair('ES256');
    const login = await fetch(`${one}/auth/login?userId=${randomUUID()}`, {
      method: 'POST',
      headers: { dpop: await dpop.generateProof(keys, `${one}/auth/login`, 'POST') },
    });
    const pair = (await login.json()) as Record<'access' | 'refresh' | 'tokenType', string>;
    t.equal(pair.tokenType, 'DPoP');
    // Both replicas have one public URL, as behind a load balancer.
    const proof = await dpop.generateProof(keys, `${one}/auth/me`, 'GET', undefined, pair.access);
    const headers = { authorization: `DPoP ${pair.access}`, dpop: proof };
    t.equal((await fetch(`${one}/auth/me`, { headers })).status, 200);
    t.equal((await fetch(`${one}/auth/me`, { headers })).status, 401, 'at the same replica');
    t.equal((await fetch(`${other}/auth/me`, { headers })).status, 401, 'at the other replica');
    const again = await dpop.generateProof(keys, `${one}/auth/me`, 'GET', undefined, pair.access);
    const next = { authorization: `DPoP ${pair.access}`, dpop: again };
    t.equal(
      (await fetch(`${other}/auth/me`, { headers: next })).status,
      200,
      'a new proof, at the other replica',
    );
    const elsewhere = await dpop.generateProof(keys, `${other}/auth/me`, 'GET', undefined, pair.access);
    const moved = { authorization: `DPoP ${pair.access}`, dpop: elsewhere };
    t.equal((await fetch(`${other}/auth/me`, { headers: moved })).status, 401, 'for another URL');
  },
);

t.test('oauth4webapi learns the nonce from the answer and sends the request again', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await start(t, { DPOP_NONCE: 'on' });
  const issuer = new URL(url);
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE });
  const server = await oauth.processDiscoveryResponse(issuer, discovered);
  const keys = await oauth.generateKeyPair('ES256');
  const DPoP = oauth.DPoP({}, keys);
  const query = `userId=${randomUUID()}&binding=refresh&dpopJkt=${await DPoP.calculateThumbprint()}`;
  const login = await fetch(`${url}/auth/login?${query}`, { method: 'POST' });
  const { refresh } = (await login.json()) as { refresh: string };
  const client = { client_id: 'kinship' };
  const exchange = async () =>
    oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, { DPoP, ...INSECURE }),
    );
  const refusal = await exchange().catch((error: unknown) => error);
  t.ok(oauth.isDPoPNonceError(refusal));
  const { access_token } = await exchange();
  const me = new URL('/auth/me', url);
  const options = { DPoP, ...INSECURE };
  const call = () => oauth.protectedResourceRequest(access_token, 'GET', me, undefined, undefined, options);
  t.equal((await call()).status, 200);
});

t.test('the program in docs/dpop.md logs in, calls and refreshes', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await start(t);
  const registered = await fetch(`${url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ann', email: 'ann@example.com', password: PASSWORD }),
  });
  t.equal(registered.status, 201);
  const [, program = ''] = /```js\n(.*?)^```/ms.exec(await readFile('docs/dpop.md', 'utf8')) ?? [];
  const folder = t.testdir();
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'program.mjs');
  await writeFile(file, program.replace('http://localhost:3000', url));
  // Without FORCE_COLOR, under which the program would color its numbers.
  const { PATH = '' } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000, env: { PATH } });
  t.equal(stdout, '200 200 200\n');
});
