import { readFileSync } from 'node:fs';
import t from 'tap';
import { classify, PROBLEMS, problem } from '../../src/adapters/http/server/problems.ts';
import { Uuid } from '../../src/adapters/http/server/schemas.ts';
import { startHttpService } from '../support/http.ts';

/** The parts of an operation of the OpenAPI document that requests are made from. */
interface Operation {
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: { readonly pattern?: string };
  }[];
}

const A_UUID = 'a8b1c9d2-0000-4000-8000-00000000000a';

t.test('the catalogue lists exactly the codes of the service, with status and recovery', async (t) => {
  const rows = readFileSync('docs/problems.md', 'utf8').matchAll(/^\| `(\w+)` \| (\d{3}) \| (\w+) \|/gm);
  const documented = Object.fromEntries(
    [...rows].map(([, code, status, recovery]) => [code, [Number(status), recovery]]),
  );
  const known = Object.entries(PROBLEMS).map(([code, { status, recovery }]) => [code, [status, recovery]]);
  t.same(documented, Object.fromEntries(known));
});

t.test('a problem document has the members of RFC 9457', async (t) => {
  t.same(problem('token_reused', 'Said before.', 'request-1'), {
    type: 'urn:problem-type:kinship:token_reused',
    title: 'Refresh token used before',
    status: 401,
    detail: 'Said before.',
    instance: 'request-1',
    code: 'token_reused',
    recovery: 'login',
  });
});

t.test('an unexpected error reveals nothing internal', async (t) => {
  t.same(classify(new Error('select secret from somewhere')), [
    'internal_error',
    'The service failed. Try again later.',
  ]);
  t.equal(classify(Object.assign(new Error('x'), { statusCode: 418 }))[0], 'invalid_request');
});

t.test('every error response is a problem document with the id of its request', async (t) => {
  const { send, post, lines } = await startHttpService(t, {
    http: {
      authorizeLogin: () => {
        throw new Error('a fault of ours');
      },
    },
  });
  const id = 'trace-0123456789';
  const exits = [
    [await send('/nowhere', { headers: { 'x-request-id': id } }), 404, 'not_found'],
    [await send('/%zz', { headers: { 'x-request-id': id } }), 400, 'invalid_request'],
    [await post('/auth/refresh', 'no json', { 'x-request-id': id }), 400, 'invalid_request'],
    [
      await post('/auth/refresh', 'a=b', { 'x-request-id': id, 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
    ],
    [await post('/auth/refresh', 'x'.repeat(70_000), { 'x-request-id': id }), 413, 'payload_too_large'],
    [
      await post('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11', undefined, {
        'x-request-id': id,
      }),
      500,
      'internal_error',
    ],
  ] as const;
  for (const [{ status, headers, body }, expected, code] of exits) {
    t.match({ status, body }, { status: expected, body: { status: expected, code, instance: id } }, code);
    t.equal(headers.get('content-type'), 'application/problem+json');
    t.equal(headers.get('x-request-id'), id);
  }
  t.ok(
    lines.some((line) => line.includes('a fault of ours')),
    'the cause is in the log',
  );
  t.notOk(JSON.stringify(exits).includes('a fault of ours'), 'and in no answer');
});

t.test('a request id of 1 to 128 visible characters is kept, any other is replaced', async (t) => {
  const { send, lines } = await startHttpService(t);
  const idOf = async (id: string) =>
    (await send('/health/live', { headers: { 'x-request-id': id } })).headers.get('x-request-id');
  const good = [
    'a',
    '1234567',
    'Root=1-67891233-abcdef012345678912345678',
    `!"#$%&'()*+,-./:;<=>?@[]^_{|}~`,
    'x'.repeat(128),
  ];
  for (const id of good) {
    t.equal(await idOf(id), id);
    t.ok(
      lines.some((line) => Object.values(JSON.parse(line)).includes(id)),
      `${id} is in the log`,
    );
  }
  for (const id of ['', 'two words', 'x'.repeat(129), 'caf\u00e9', 'tab\tinside'])
    t.match(await idOf(id), /^[0-9a-f-]{36}$/, JSON.stringify(id));
});

t.test(
  'every route refuses a wrong id in its path or query with a sentence, without a pattern',
  async (t) => {
    const service = await startHttpService(t);
    const { send, post, adminKey } = service;
    const pair = (await post(`/auth/login?userId=${A_UUID}`)).body;
    const headers = {
      bearer: { authorization: `Bearer ${pair.access}` },
      serviceKey: { 'x-api-key': adminKey },
    };
    const { body } = await send('/docs/json');
    const things = new Set<string>();
    for (const [path, methods] of Object.entries(body.paths as Record<string, Record<string, Operation>>))
      for (const [method, { parameters = [], security = [] }] of Object.entries(methods))
        for (const { name, in: place, schema } of parameters) {
          if (place === 'header' || schema?.pattern !== Uuid.pattern) continue;
          const query = place === 'query' ? `?${name}=abc` : '';
          const url = path.replaceAll(/\{(\w+)\}/g, (_, other) => (other === name ? 'abc' : A_UUID)) + query;
          const scheme = security.some((one) => 'bearer' in one) ? headers.bearer : headers.serviceKey;
          const answer = await send(url, { method: method.toUpperCase(), headers: scheme });
          // A route whose path itself requires a UUID does not match.
          if (answer.status === 404) continue;
          const [, thing = ''] = /^The (\w+) id must be a UUID\./.exec(String(answer.body.detail)) ?? [];
          t.ok(thing !== '', `${method} ${url}: ${answer.status} ${answer.body.detail}`);
          things.add(thing);
        }
    t.same([...things].sort(), ['account', 'endpoint', 'event', 'factor', 'session', 'user']);
    t.match((await send('/admin/audit?from=today', { headers: headers.serviceKey })).body, {
      detail: 'querystring/from must be a time such as 2026-01-31T12:00:00Z.',
    });
  },
);
