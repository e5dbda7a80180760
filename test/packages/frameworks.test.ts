import fastify from 'fastify';
import t from 'tap';
import { kinship } from '../../packages/fastify/src/index.ts';
import { createVerifier } from '../../packages/verify/src/index.ts';
import { ISSUER, issuingService, logOut, RESOURCE_SERVER_KEY } from '../support/issuing-service.ts';
import { requirePostgres } from '../support/postgres.ts';
import { APPLICATIONS } from './support/applications.ts';

for (const [name, start] of Object.entries(APPLICATIONS)) {
  t.test(`${name}: a session that ends at the service is refused at the application`, async (t) => {
    if (!(await requirePostgres(t))) return;
    const { url, logIn } = await issuingService(t);
    const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'refuse' } as const;
    const verifier = createVerifier({ issuer: ISSUER, audience: 'kinship', url, revocations });
    t.teardown(verifier.close);
    await verifier.ready;
    const { ask } = await start(t, verifier);

    const sessions = await Promise.all(Array.from({ length: 20 }, () => logIn()));
    const delays: number[] = [];
    for (const session of sessions) {
      const { authorization, userId } = session;
      const accepted = await ask('/me', { authorization });
      t.same([accepted.status, await accepted.json()], [200, { id: userId }]);
      await logOut(url, session);
      const acknowledged = performance.now();
      let refused = await ask('/me', { authorization });
      while (refused.status === 200) refused = await ask('/me', { authorization });
      delays.push(performance.now() - acknowledged);
      t.equal(refused.status, 401);
      t.equal(refused.headers.get('content-type'), 'application/problem+json');
      t.equal(
        refused.headers.get('www-authenticate'),
        'Bearer realm="kinship", error="invalid_token", error_description="The session has ended."',
      );
      t.match(await refused.json(), { code: 'session_ended', status: 401 });
    }
    delays.sort((a, b) => a - b);
    t.comment(`refused after the acknowledged end: median ${delays[10]?.toFixed(1)} ms, of ${delays.length}`);

    const missing = await ask('/me');
    t.equal(missing.status, 401);
    t.match(
      missing.headers.get('www-authenticate'),
      /^Bearer realm="kinship", DPoP realm="kinship", algs="ES256 /,
    );
    const vault = await ask('/vault', { authorization: (await logIn()).authorization });
    t.equal(vault.status, 401);
    t.match(vault.headers.get('www-authenticate'), /insufficient_user_authentication.*acr_values="aal2"/);
    if (name !== 'hono') t.equal((await ask('/open')).status, 500, 'no session without requireSession');
  });

  t.test(`${name}: while the service is unavailable a request is answered 503`, async (t) => {
    const away: typeof fetch = async () => {
      throw new TypeError('fetch failed');
    };
    const verifier = createVerifier({ issuer: ISSUER, audience: 'kinship', fetch: away });
    const { ask } = await start(t, verifier);
    const header = Buffer.from('{"alg":"EdDSA","typ":"at+jwt","kid":"1"}').toString('base64url');
    const { status, headers } = await ask('/me', { authorization: `Bearer ${header}.e30.AA` });
    t.same([status, headers.get('retry-after'), headers.get('www-authenticate')], [503, '1', null]);
  });
}

t.test('fastify: the log of the request states why it is refused', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const app = fastify({ logger: { stream: { write: (line) => void lines.push(JSON.parse(line)) } } });
  await app.register(kinship, { verifier: createVerifier({ issuer: ISSUER, audience: 'kinship' }) });
  app.get('/me', { onRequest: app.requireSession() }, async () => 'never');
  t.teardown(() => app.close());
  t.equal((await app.inject({ url: '/me', headers: { authorization: 'Basic eDp5' } })).statusCode, 401);
  t.match(
    lines.find(({ msg }) => msg === 'request refused'),
    { code: 'token_invalid', reason: 'The Authorization header holds no access token.', reqId: 'req-1' },
  );
});
