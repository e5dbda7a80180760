import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as client from 'openid-client';
import t, { type Test } from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { headerOf } from '../support/forge.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';
import { startResourceServer } from '../support/resource-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
/** The secret contains characters that a form must encode. */
const SECRET = `${randomBytes(24).toString('base64')}+%&`;

/** The service as an operator starts it, with asymmetric signing keys for access tokens. */
async function start(t: Test) {
  const folder = t.testdir();
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = {
    API_HOST: 'localhost',
    API_PORT: String(port),
    PUBLIC_URL: url,
    DATA_DIR: folder,
    DATABASE_URL: await testDatabase(t),
    ACCESS_TOKEN_ALG: 'EdDSA',
    KEY_SET_MAX_AGE: '1s',
    SERVICE_API_KEYS: `resource:introspect:${SECRET}`,
  };
  const lines: string[] = [];
  const config = await readConfig(env, folder);
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const service = await compose(config, log, { limits: { drain: 0 } });
  await service.app.listen(config.http);
  t.teardown(() => service.close());
  return { url, env, lines };
}

async function logIn(url: string, binding: string): Promise<Record<'access' | 'refresh', string>> {
  const answer = await fetch(`${url}/auth/login?userId=${USER}&binding=${binding}`, { method: 'POST' });
  return (await answer.json()) as Record<'access' | 'refresh', string>;
}

/** The configuration of openid-client after the discovery. A client without a secret is a public client. */
function discover(url: string, id: string, auth: client.ClientAuth) {
  return client.discovery(new URL(url), id, undefined, auth, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  });
}

/** The refusal of a request, as the library reports it. */
async function refusalOf(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof client.ResponseBodyError) return error.error;
  if (error instanceof client.WWWAuthenticateChallengeError)
    return `${error.status} ${error.cause[0]?.scheme}`;
  throw new Error('The library reported no refusal.', { cause: error });
}

t.test('openid-client discovers the service, refreshes, introspects and revokes', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, lines } = await start(t);
  const app = await discover(url, 'kinship', client.None());
  const resource = await discover(url, 'resource', client.ClientSecretBasic(SECRET));
  t.equal(app.serverMetadata().issuer, url);

  const first = await logIn(url, 'refresh');
  const next = await client.refreshTokenGrant(app, first.refresh);
  t.match(next, { token_type: 'bearer', expires_in: 900 });
  const access = next.access_token;
  const refresh = next.refresh_token ?? '';
  const seen = await client.tokenIntrospection(resource, access);
  t.match(seen, { active: true, sub: USER, iss: url, token_type: 'Bearer' });
  t.equal(await refusalOf(client.tokenIntrospection(app, access)), '401 basic');

  await client.tokenRevocation(app, refresh);
  t.same(await client.tokenIntrospection(resource, access), { active: false });
  t.equal(await refusalOf(client.refreshTokenGrant(app, refresh)), 'invalid_grant');
  await client.tokenRevocation(app, 'nothing that anybody knows');

  const paired = await logIn(url, 'pair');
  t.equal(await refusalOf(client.refreshTokenGrant(app, paired.refresh)), 'invalid_grant');
  t.equal(await refusalOf(client.clientCredentialsGrant(resource)), 'unsupported_grant_type');
  const log = lines.join('');
  for (const secret of [first.refresh, refresh, access, SECRET])
    t.notOk(log.includes(secret), 'not in the log');
});

t.test('a resource server verifies tokens offline across a key rotation', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, env } = await start(t);
  const resource = await startResourceServer(t, {
    ISSUER: url,
    CLIENT_ID: 'resource',
    CLIENT_SECRET: SECRET,
  });
  const ask = async (token: string, method = 'GET') => {
    const answer = await fetch(resource, { method, headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, body: await answer.text() };
  };
  const old = await logIn(url, 'pair');
  t.same(await ask(old.access), { status: 200, body: USER });
  t.same(await ask(old.access, 'POST'), { status: 200, body: USER });
  t.equal((await ask(old.refresh)).status, 401, 'a refresh token is no bearer');
  t.equal((await ask(`${old.access}x`)).status, 401);

  const { PATH = '' } = process.env;
  const rotate = [...PROGRAM, 'keys', 'rotate', '--now'];
  const { stdout } = await promisify(execFile)(process.execPath, rotate, { env: { PATH, ...env } });
  const [kid] = stdout.split(' ');
  let next = old;
  await waitUntil(async () => {
    next = await logIn(url, 'pair');
    return headerOf(next.access).kid === kid;
  });
  await waitUntil(async () => (await ask(next.access)).status === 200);
  t.equal((await ask(old.access)).status, 200, 'tokens of the old key are still accepted');

  await fetch(`${url}/auth/logout`, { method: 'POST', headers: { authorization: `Bearer ${next.access}` } });
  t.equal((await ask(next.access)).status, 200, 'accepted offline until it expires');
  t.equal((await ask(next.access, 'POST')).status, 401, 'refused where introspection is used');
});

t.test('docs/standards.md contains docs/examples/resource-server.mjs unchanged', async (t) => {
  const text = await readFile('docs/standards.md', 'utf8');
  t.ok(text.includes(await readFile('docs/examples/resource-server.mjs', 'utf8')));
});
