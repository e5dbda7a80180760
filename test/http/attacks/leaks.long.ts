import { randomBytes, randomUUID } from 'node:crypto';
import { createLoginAuthorizer } from '../../../src/adapters/http/server/authorize-login.ts';
import { claimsOf, compact, hmac } from '../../support/forge.ts';
import { SERVICE_KEY, serviceKeys } from '../../support/http.ts';
import { createLeakCheck, dump, secretParts, spellings, textOf } from '../../support/leaks.ts';
import { rawRequest, sendRaw } from '../../support/raw-http.ts';
import {
  assertRefreshable,
  assertUnchanged,
  databaseTest,
  familyOf,
  migratedConnection,
  type Operation,
  outcomeOf,
  readOperations,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

/** Requests to one route with a secret in each place where a client may put it, also in wrong places. */
function placements(
  { method, path }: Pick<Operation, 'method' | 'path'>,
  secret: string,
): Record<string, [string, RequestInit]> {
  const url = path.replace(/\{\w+\}/g, encodeURIComponent(secret));
  const query = [
    'refreshToken',
    'accessToken',
    'token',
    'password',
    'userId',
    'email',
    'binding',
    'cursor',
    'limit',
  ]
    .map((name) => `${name}=${encodeURIComponent(secret)}`)
    .join('&');
  const members = {
    refreshToken: secret,
    accessToken: secret,
    token: secret,
    username: secret,
    password: secret,
    currentPassword: secret,
    newPassword: secret,
    email: secret,
    session_id: secret,
    guid: secret,
    refresh_token: secret,
    access_token: secret,
    [secret]: secret,
  };
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify(members);
  const places: Record<string, [string, RequestInit]> = {
    'the query': [`${url}?${query}`, {}],
    'the name of a parameter': [`${url}?${encodeURIComponent(secret)}=1`, {}],
    'a query that cannot be decoded': [`${url}?refreshToken=${secret}%zz`, {}],
    headers: [
      url,
      {
        headers: {
          authorization: `Bearer ${secret}`,
          cookie: `refresh_token=${secret}; access_token=${secret}; session_refresh=${secret}`,
          'x-api-key': secret,
          'idempotency-key': `${secret} ${secret}`,
          referer: `https://app.example/?token=${secret}`,
          [`x-${secret.toLowerCase().replace(/[^a-z]/g, '')}`]: secret,
        },
      },
    ],
    'below the path': [`${url}/${encodeURIComponent(secret)}`, {}],
    'a path that cannot be decoded': [`${url}/%zz${encodeURIComponent(secret)}`, {}],
  };
  const bodies: Record<string, [string, RequestInit]> = {
    'the body': [url, { headers: json, body }],
    'a body of two tokens alone': [
      url,
      { headers: json, body: JSON.stringify({ refreshToken: secret, accessToken: secret }) },
    ],
    'half a body': [url, { headers: json, body: body.slice(0, -1) }],
    'a body that is text': [url, { headers: json, body: JSON.stringify(secret) }],
    'a body of the wrong types': [url, { headers: json, body: JSON.stringify({ refreshToken: [secret] }) }],
    'a body of another type': [
      url,
      { headers: { 'content-type': `text/${secret.slice(0, 20)}` }, body: secret },
    ],
    'a form': [url, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: query }],
    'a body that is too long': [
      url,
      { headers: json, body: JSON.stringify({ refreshToken: secret.padEnd(70_000) }) },
    ],
  };
  const all = method === 'GET' || method === 'HEAD' ? places : { ...places, ...bodies };
  return Object.fromEntries(
    Object.entries(all).map(([name, [to, init]]) => [
      `${method} ${path}, ${name}`,
      [to, { ...init, method }],
    ]),
  );
}

databaseTest('no answer and no log line contains a secret of a request', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { http: { corsOrigins: ['https://app.example'] } });
  const canaries = {
    password: `Canary-${randomBytes(12).toString('hex')}`,
    token: compact({ alg: 'HS512', typ: 'rt+jwt' }, { jti: randomUUID() }, hmac('canary')),
  };
  const leakCheck = createLeakCheck(t, service, { ...canaries, ...secretParts('the token', canaries.token) });
  const operations = [
    ...(await readOperations(service)),
    { method: 'GET', path: '/docs' },
    { method: 'PUT', path: '/nope' },
  ];
  t.ok(operations.length > 4, 'the routes are known');
  for (const secret of Object.values(canaries)) {
    for (const operation of operations) {
      for (const [name, [path, init]] of Object.entries(placements(operation, secret))) {
        leakCheck.answer(name, await textOf(await fetch(`${service.url}${path}`, init)));
      }
    }
    for (const line of [`GET /${secret}`, `${secret} /`, `GET /?${secret}${'x'.repeat(20_000)}`]) {
      for (const header of ['Host: localhost', `Host: ${secret}`, `X: ${secret}\nX: y`, `${secret}`]) {
        const { text } = await sendRaw(service.url, rawRequest(line, [header, 'Connection: close']));
        leakCheck.answer(line.slice(0, 20), text);
      }
    }
  }
  leakCheck.log();
});

databaseTest('issued tokens appear only in the answer to their owner', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { onAddressChange: 'block' } });
  const first = await service.open();
  const second = await service.next(first, { 'idempotency-key': 'one' });
  const other = await service.open();
  const replica = await serviceOnDatabase(t, sql, { keys: service.keys });
  const secrets = Object.assign(
    {},
    ...[first, second, other].flatMap((pair, at) => [
      secretParts(`refresh token ${at}`, pair.refreshToken),
      // The `jti` of an access token is the linkerId, which is no secret.
      { [`access token ${at}`]: pair.accessToken },
    ]),
  );
  const leakCheck = createLeakCheck(t, service, secrets);
  const replicaLeakCheck = createLeakCheck(t, replica, secrets);
  const refusals: Record<string, [unknown, Record<string, string>?]> = {
    'a pair of two sessions': [{ ...second, accessToken: other.accessToken }],
    'the halves swapped': [{ refreshToken: second.accessToken, accessToken: second.refreshToken }],
    'a key used before': [second, { 'idempotency-key': 'one' }],
    'an unknown member': [{ ...second, role: second.refreshToken }],
    'a refresh token that comes back': [first],
    'a session that has ended': [second],
  };
  for (const [name, [body, headers]] of Object.entries(refusals)) {
    const answer = await service.post('/auth/refresh', body, headers);
    t.ok(answer.status >= 400, `${name} is refused`);
    leakCheck.answer(name, JSON.stringify([answer.body, ...answer.headers]));
  }
  const query = new URLSearchParams({ ...other });
  leakCheck.answer(
    'a bad request by query',
    await textOf(await fetch(`${service.url}/auth/refresh?${query}`)),
  );
  t.equal((await service.post(`/auth/refresh?${query}`)).status, 200, 'a valid token in the query');
  leakCheck.log();

  // If the database is unavailable or broken, the log has the reason, but no data of the request.
  await sql`alter table token_families rename to elsewhere`;
  const broken = await replica.post('/auth/refresh', other);
  t.equal(outcomeOf(broken), '500 internal_error');
  replicaLeakCheck.answer('an internal error', JSON.stringify(broken.body));
  await sql.end();
  const gone = await replica.post(`/auth/refresh?${query}`);
  t.equal(outcomeOf(gone), '503 unavailable');
  replicaLeakCheck.answer('a database that is gone', JSON.stringify(gone.body));
  t.match(replica.lines.join(''), /elsewhere|token_families/, 'the log contains the reason for the operator');
  replicaLeakCheck.log();
});

databaseTest('no answer and no log line contains a service key', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, {
    http: { authorizeLogin: createLoginAuthorizer('key', serviceKeys) },
  });
  const wrong = `${SERVICE_KEY}-but-wrong`;
  const leakCheck = createLeakCheck(t, service, { key: SERVICE_KEY });
  for (const key of [wrong, `other-${SERVICE_KEY}`, SERVICE_KEY]) {
    for (const path of [`/auth/login?userId=${USER}`, '/auth/login', `/auth/login?key=${key}`, '/nope']) {
      const answer = await service.post(path, undefined, { 'x-api-key': key });
      leakCheck.answer(path, JSON.stringify([answer.body, ...answer.headers]));
    }
  }
  leakCheck.log();
});

/** Opens a session of each kind: new, rotated with an Idempotency-Key, rotated twice, unpaired, ended by reuse. */
async function openSessionOfEachKind(service: ServiceOnDatabase) {
  const email = '&email=ann@example.com';
  const fresh = await service.open({ query: email });
  const rotated = await service.next(await service.open({ query: email }), { 'idempotency-key': 'one' });
  const old = await service.open();
  const twice = await service.next(await service.next(old), { 'idempotency-key': 'two' });
  const { refreshToken } = await service.open({ query: '&binding=refresh' });
  const ended = await service.open();
  await service.next(ended);
  await service.post('/auth/refresh', ended);
  return { live: [fresh, rotated, twice], unpaired: { refreshToken } };
}

databaseTest('a copy of the database yields no valid token', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { retryWindow: 60_000 } });
  const { live, unpaired } = await openSessionOfEachKind(service);
  const values = [...new Set((await dump(sql)).flatMap(spellings))].filter((text) => text.length <= 60_000);
  t.ok(values.includes(familyOf(unpaired)), 'the sessions are in the copy');
  t.ok(values.length > 100, `${values.length} values`);

  const outcomes = new Set<string>();
  const send = async (body: unknown, headers?: Record<string, string>) => {
    outcomes.add(outcomeOf(await service.post('/auth/refresh', body, headers)));
  };
  const replay = async () => {
    for (const value of values) {
      await send({ refreshToken: value });
      await send({ refreshToken: value, accessToken: value });
      for (const { refreshToken, accessToken } of live.slice(0, 1)) {
        await send({ refreshToken: value, accessToken });
        await send({ refreshToken, accessToken: value });
      }
    }
  };
  await assertUnchanged(t, sql, replay, 'every value as a token, and as either half');
  t.same([...outcomes].sort(), ['400 malformed_token'], 'no stored value is accepted as a token');

  outcomes.clear();
  const [pair] = live;
  const rows = await sql<StolenRow[]>`
    select token_family, user_id, generation, seed, hashed_refresh_token_id, previous_hash from token_families`;
  const forgeries = rows.flatMap((row) => [...forgeTokens(row, claimsOf(pair?.refreshToken ?? ''))]);
  const sendAll = async () => {
    for (const refreshToken of forgeries) await send({ refreshToken });
  };
  await assertUnchanged(t, sql, sendAll, 'tokens made of values in the copy');
  t.same(
    [...outcomes].sort(),
    ['401 invalid_token'],
    `none of ${forgeries.length} forged tokens is accepted`,
  );

  for (const pair of [...live, unpaired]) await assertRefreshable(t, service, pair);
});

interface StolenRow {
  readonly token_family: string;
  readonly user_id: string;
  readonly generation: number;
  readonly seed: Buffer;
  readonly hashed_refresh_token_id: Buffer;
  readonly previous_hash: Buffer | null;
}

/** Tokens that a thief could make from values in the database, signed with each value that was found there. */
function* forgeTokens(row: StolenRow, template: Record<string, unknown>): Generator<string> {
  const found = [row.seed, row.hashed_refresh_token_id, row.previous_hash ?? Buffer.alloc(0)];
  const uuids = found.flatMap((bytes) => spellings(bytes).filter((text) => UUID.test(text)));
  for (const key of [...found, row.token_family, row.user_id]) {
    for (const id of uuids) {
      const ids = { jti: id, linkerId: id, tokenFamily: row.token_family, sub: row.user_id };
      const claims = { ...template, ...ids, generation: row.generation, at_hash: undefined };
      yield compact({ alg: 'HS512', typ: 'rt+jwt', kid: 'refresh-1' }, claims, hmac(key));
    }
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

databaseTest('no stored value works as a service key', async (t, sql) => {
  const other = await migratedConnection(t);
  const service = await serviceOnDatabase(t, sql, {
    http: { authorizeLogin: createLoginAuthorizer('key', serviceKeys) },
  });
  const elsewhere = await serviceOnDatabase(t, other);
  await openSessionOfEachKind(elsewhere);
  const open = async (key: string) =>
    service.post(`/auth/login?userId=${USER}`, undefined, { 'x-api-key': key });
  const values = new Set(
    (await dump(other)).flatMap(spellings).filter((text) => /^[\x21-\x7e]{1,1000}$/.test(text)),
  );
  const replay = async () => {
    const outcomes = new Set<string>();
    for (const value of values) outcomes.add(outcomeOf(await open(value)));
    t.same([...outcomes], ['401 unauthenticated'], `none of ${values.size} values is accepted`);
  };
  await assertUnchanged(t, sql, replay, 'every value as a service key');
  t.equal((await open(SERVICE_KEY)).status, 200, 'the service key is accepted');
});
