import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { resignToken, unsigned } from '../../support/forge.ts';
import { RESOURCE_KEY, SERVICE_KEY } from '../../support/http.ts';
import { basic, postForm, refreshForm } from '../../support/oauth.ts';
import {
  assertRefreshable,
  assertUnchanged,
  databaseTest,
  familyOf,
  outboxLinesOf,
  revokedFamilies,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';
import { someKeys } from '../../support/sessions.ts';

const RESOURCE = basic('resource', RESOURCE_KEY);
const PATHS = ['/oauth/token', '/oauth/revoke', '/oauth/introspect'];

type Form = Parameters<typeof postForm>[2];

/** Sends the form. Returns status and error, or status and `active`, in one line. */
async function outcomeOf(
  service: ServiceOnDatabase,
  path: string,
  form: Form,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, body } = await postForm(service, path, form, headers);
  return typeof body.error === 'string' ? `${status} ${body.error}` : `${status} ${body.active ?? ''}`.trim();
}

/** Asserts that each request gets the wanted answer and changes nothing. */
async function assertFormsChangeNothing(
  t: Test,
  service: ServiceOnDatabase,
  cases: Record<string, [wanted: string, path: string, form: Form, headers?: Record<string, string>]>,
): Promise<void> {
  for (const [name, [wanted, ...request]] of Object.entries(cases)) {
    t.equal(await assertUnchanged(t, service.sql, () => outcomeOf(service, ...request), name), wanted, name);
  }
}

const openUnpaired = (service: ServiceOnDatabase) => service.open({ query: '&binding=refresh' });

databaseTest('a token in the URI of an endpoint is refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await openUnpaired(service);
  const query = new URLSearchParams({ ...refreshForm(pair.refreshToken), token: pair.refreshToken });
  for (const path of PATHS) {
    const form = { grant_type: 'refresh_token' };
    await assertFormsChangeNothing(t, service, {
      [`${path}, in the URI alone`]: ['400 invalid_request', `${path}?${query}`, form, RESOURCE],
      [`${path}, in the URI and the body`]: [
        '400 invalid_request',
        `${path}?${query}`,
        query.toString(),
        RESOURCE,
      ],
    });
    const got = await assertUnchanged(t, sql, () => service.send(`${path}?${query}`), 'GET');
    t.equal(got.status, 405, 'GET is refused');
  }
  t.notOk(service.lines.join('').includes(pair.refreshToken), 'and the log does not contain it');
  await assertRefreshable(t, service, { refreshToken: pair.refreshToken });
});

databaseTest(
  'a form with a repeated parameter, an invalid token or another content type changes nothing',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql);
    const { refreshToken } = await openUnpaired(service);
    const other = await openUnpaired(service);
    const grant = new URLSearchParams(refreshForm(refreshToken)).toString();
    const twice = `token=${refreshToken}&token=${other.refreshToken}`;
    const refused = '400 invalid_request';
    await assertFormsChangeNothing(t, service, {
      'two tokens': [refused, '/oauth/token', `${grant}&refresh_token=${other.refreshToken}`],
      'the same token twice': [refused, '/oauth/token', `${grant}&refresh_token=${refreshToken}`],
      'two grants': [refused, '/oauth/token', `${grant}&grant_type=password`],
      'two clients': [refused, '/oauth/token', `${grant}&client_id=a&client_id=b`],
      'two tokens to revoke': [refused, '/oauth/revoke', twice],
      'two tokens to introspect': [refused, '/oauth/introspect', twice, RESOURCE],
      '__proto__ twice': [refused, '/oauth/revoke', '__proto__=a&__proto__=b'],
      'members of a prototype': [refused, '/oauth/revoke', '__proto__=a&constructor=b'],
      'an invalid percent escape': ['400 invalid_grant', '/oauth/token', `${grant}%zz`],
      NUL: ['400 invalid_grant', '/oauth/token', `${grant}%00`],
      'a JWS of 9,000 characters': ['413 invalid_request', '/oauth/token', `${grant}${'x'.repeat(9000)}`],
    });
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
      const answer = await postForm(
        service,
        '/oauth/revoke',
        { token: refreshToken },
        { 'content-type': type },
      );
      t.equal(answer.status, 415, type);
    }
    t.same(await revokedFamilies(sql), []);
    await assertRefreshable(t, service, { refreshToken });
  },
);

databaseTest('the token endpoint refuses the tokens of a paired session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const refused = '400 invalid_grant';
  await assertFormsChangeNothing(t, service, {
    'a paired refresh token': [refused, '/oauth/token', refreshForm(pair.refreshToken)],
    'a paired refresh token with its access token': [
      refused,
      '/oauth/token',
      { ...refreshForm(pair.refreshToken), access_token: pair.accessToken },
    ],
    'an access token as refresh token': [refused, '/oauth/token', refreshForm(pair.accessToken)],
  });
  await assertRefreshable(t, service, pair);
});

databaseTest('a replayed refresh token ends its session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await openUnpaired(service);
  const bystander = await openUnpaired(service);
  t.equal(await outcomeOf(service, '/oauth/token', refreshForm(first.refreshToken)), '200');
  const replay = () => outcomeOf(service, '/oauth/token', refreshForm(first.refreshToken));
  t.equal(await replay(), '400 invalid_grant');
  t.same(await revokedFamilies(sql), [familyOf(first)]);
  t.same(await outboxLinesOf(sql, first.refreshToken), [
    'event sessions.reuse_detected',
    'event sessions.started',
    'mail sessions.reuse_detected',
  ]);
  t.equal(await assertUnchanged(t, sql, replay, 'once more'), '400 invalid_grant');
  await assertRefreshable(t, service, { refreshToken: bystander.refreshToken });
});

databaseTest('introspection neither rotates nor revokes', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await openUnpaired(service);
  const current = await service.next({ refreshToken: first.refreshToken });
  const path = '/oauth/introspect';
  const introspection = (wanted: string, token: string): [string, string, Form, Record<string, string>] => [
    wanted,
    path,
    { token },
    RESOURCE,
  ];
  const forged = resignToken(current.refreshToken, unsigned);
  const elsewhere = await serviceOnDatabase(t, sql, {
    keys: { ...service.keys, hashKeys: someKeys().hashKeys },
  });
  await assertFormsChangeNothing(t, service, {
    'a rotated token': introspection('200 false', first.refreshToken),
    'the current token': introspection('200 true', current.refreshToken),
    'its access token': introspection('200 true', current.accessToken),
    'a forged token': introspection('200 false', forged),
    'a token under an unknown hash key': introspection(
      '200 false',
      (await openUnpaired(elsewhere)).refreshToken,
    ),
    'a text that is no token': introspection('200 false', `${'x'.repeat(40)}.y.z`),
    'without a key': ['401 invalid_client', path, { token: current.refreshToken }],
    'with a wrong key': ['401 invalid_client', path, { token: current.refreshToken }, basic('resource', 'x')],
    'with a key for another purpose': [
      '403 unauthorized_client',
      path,
      { token: current.refreshToken },
      basic('backend', SERVICE_KEY),
    ],
  });
  t.same(await revokedFamilies(sql), []);
  await assertRefreshable(t, service, { refreshToken: current.refreshToken });
});

databaseTest('a token that this service did not issue ends no session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const elsewhere = await serviceOnDatabase(t, sql, { keys: someKeys() });
  const theirs = await elsewhere.open();
  const path = '/oauth/revoke';
  await assertFormsChangeNothing(t, service, {
    'a forged refresh token': ['200', path, { token: resignToken(pair.refreshToken, unsigned) }],
    'a forged access token': ['200', path, { token: resignToken(pair.accessToken, unsigned) }],
    'an access token signed with the refresh key': [
      '200',
      path,
      { token: resignToken(pair.accessToken, service.sign.refresh) },
    ],
    'of another service': ['200', path, { token: theirs.refreshToken }],
    'an id of a session': ['200', path, { token: familyOf(pair) }],
    'an unknown id': ['200', path, { token: randomUUID() }],
    'with a wrong secret': ['401 invalid_client', path, { token: pair.refreshToken }, basic('kinship', 'x')],
    'as another client': ['400 invalid_grant', path, { token: pair.refreshToken }, RESOURCE],
  });
  await assertRefreshable(t, service, pair);
});

databaseTest(
  'no answer contains a secret, and while the database is down no token is answered as invalid',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql);
    const { refreshToken, accessToken } = await openUnpaired(service);
    const wrong = `${SERVICE_KEY}-but-wrong`;
    const form = { ...refreshForm(refreshToken), token: accessToken, [refreshToken]: accessToken };
    const secrets = { refreshToken, accessToken, wrong, key: RESOURCE_KEY };
    const requests: [Form, Record<string, string>][] = [
      [form, basic('resource', wrong)],
      [{ ...form, client_secret: wrong }, {}],
      [`${new URLSearchParams(form)}&${refreshToken}=again&${wrong}=1&${wrong}=2`, RESOURCE],
    ];
    const assertNoSecret = (text: string, where: string) => {
      for (const [name, secret] of Object.entries(secrets))
        t.notOk(text.includes(secret), `${name}, ${where}`);
    };
    for (const path of PATHS) {
      for (const [body, headers] of requests) {
        const answer = await postForm(service, path, body, headers);
        t.ok(answer.status >= 400, `${path} is refused`);
        assertNoSecret(JSON.stringify([answer.body, ...answer.headers]), path);
      }
    }
    await sql`alter table token_families rename to elsewhere`;
    const broken = await postForm(service, '/oauth/introspect', form, RESOURCE);
    t.match({ status: broken.status, error: broken.body.error }, { status: 500, error: 'server_error' });
    assertNoSecret(JSON.stringify(broken.body), 'in an internal error');
    await sql.end();
    for (const path of PATHS) {
      const { status, headers, body } = await postForm(service, path, form, RESOURCE);
      t.match({ status, error: body.error }, { status: 503, error: 'temporarily_unavailable' }, path);
      t.equal(headers.get('retry-after'), '1', path);
      t.equal(headers.get('cache-control'), 'no-store', path);
      assertNoSecret(JSON.stringify(body), `${path} without a database`);
    }
    assertNoSecret(service.lines.join(''), 'in the log');
  },
);
