import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../../support/forge.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { dataDir } from '../../support/service-in-process.ts';
import {
  type Answer,
  ENCODINGS,
  type Encoding,
  postgresAndRedis,
  startTaskApi,
} from '../../support/task-api.ts';

type Client = Awaited<ReturnType<typeof startTaskApi>>;

const PLENTY = { RATE_LIMIT: '10000' };
const encodings = Object.keys(ENCODINGS) as Encoding[];

t.test('the door works on the embedded database and memory', async (t) => {
  await checkContract(t, await startTaskApi(t, { DATA_DIR: await dataDir(t), ...PLENTY }));
});

t.test('the door works on PostgreSQL and Redis', async (t) => {
  const env = await postgresAndRedis(t);
  if (env === null) return;
  await checkContract(t, await startTaskApi(t, { ...env, ...PLENTY }));
});

t.test('two replicas share lists and limits', async (t) => {
  const env = await postgresAndRedis(t);
  if (env === null) return;
  const limited = { ...env, RATE_LIMIT: '20' };
  const [one, other] = [await startTaskApi(t, limited), await startTaskApi(t, limited)];
  const { token, ask } = await one.registerAndLogIn('replica');
  const list = () => other.ask('GET', '/api/v1/tasks/', undefined, { token });
  t.match(await list(), { status: 200, body: { length: 0 } });
  await ask('POST', '/api/v1/tasks/', { text: 'made at one' });
  t.match(await list(), { status: 200, body: [{ text: 'made at one' }] }, 'and seen by the other replica');
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => (n % 2 ? list() : ask('GET', '/api/v1/tasks/'))),
  );
  t.equal(answers.filter(({ status }) => status === 200).length, 17, 'three of the twenty were used');
  t.equal(answers.filter(({ status }) => status === 429).length, 13);
});

/** Each request of the contract. */
async function checkContract(t: Test, client: Client): Promise<void> {
  await t.test('accounts and sessions follow the contract', (t) => checkAccounts(t, client));
  await t.test('tasks follow the contract', (t) => checkTasks(t, client));
  await t.test('users follow the contract', (t) => checkUsers(t, client));
  await t.test('each protected request refuses ended sessions and invalid tokens', (t) =>
    checkEndedSessions(t, client),
  );
  await t.test('users without an account have no tasks', (t) => checkUsersWithoutAccount(t, client));
}

function assertProblem(t: Test, answer: Answer, status: number, code: string): void {
  t.match(answer, { status, body: { status, code, instance: answer.headers.get('x-request-id') } }, code);
  t.equal(answer.headers.get('content-type'), 'application/problem+json');
}

async function checkAccounts(t: Test, { ask }: Client): Promise<void> {
  for (const encoding of encodings) {
    const username = `${encoding}+._-1@example.com`;
    const registration = { username, password: PASSWORD, email: username };
    const made = await ask('POST', '/api/v1/register/', registration, { encoding });
    t.same([made.status, made.body], [201, { username, email: username }]);
    assertProblem(t, await ask('POST', '/api/v1/register/', registration, { encoding }), 409, 'conflict');

    const credentials = { username, password: PASSWORD };
    const opened = await ask('POST', '/api/v1/login/', credentials, { encoding });
    const first = tokensOf(t, opened);
    t.notOk('at_hash' in claimsOf(first.refresh), 'accepted without the access token');
    const second = tokensOf(
      t,
      await ask('POST', '/api/v1/refresh/', { refresh: first.refresh }, { encoding }),
    );
    t.not(second.refresh, first.refresh);
    t.equal(claimsOf(second.refresh).tokenFamily, claimsOf(first.refresh).tokenFamily);

    const replay = await ask('POST', '/api/v1/refresh/', { refresh: first.refresh }, { encoding });
    assertProblem(t, replay, 401, 'token_reused');
    const dead = await ask('POST', '/api/v1/refresh/', { refresh: second.refresh }, { encoding });
    assertProblem(t, dead, 401, 'session_revoked');
  }
  const wrong = { username: 'nobody', password: PASSWORD };
  assertProblem(t, await ask('POST', '/api/v1/login/', wrong), 401, 'invalid_credentials');
  assertProblem(t, await ask('POST', '/api/v1/refresh/', { refresh: 'none' }), 400, 'malformed_token');
}

function tokensOf(t: Test, { status, headers, body }: Answer) {
  t.equal(status, 200);
  t.equal(headers.get('cache-control'), 'no-store');
  const tokens = body as { access: string; refresh: string };
  t.same(Object.keys(tokens), ['access', 'refresh']);
  return tokens;
}

async function checkTasks(t: Test, client: Client): Promise<void> {
  const ann = await client.registerAndLogIn('ann');
  const bob = await client.registerAndLogIn('bob');
  t.same((await ann.ask('GET', '/api/v1/tasks/')).body, []);

  for (const encoding of encodings) {
    const made = await ann.ask('POST', '/api/v1/tasks/', { text: `buy milk & 🥛 ${encoding}` }, encoding);
    t.equal(made.status, 201);
    const task = made.body as { id: number; pub_date: string };
    t.same(Object.keys(task).sort(), ['author', 'id', 'pub_date', 'text']);
    t.match(task, { author: 'ann', text: `buy milk & 🥛 ${encoding}` });
    t.ok(Number.isSafeInteger(task.id));
    t.equal(new Date(task.pub_date).toISOString(), task.pub_date);

    const path = `/api/v1/tasks/${task.id}/`;
    t.match(await ann.ask('GET', path), { status: 200, body: task });
    const replaced = { ...task, text: 'bread' };
    t.match(await ann.ask('PUT', path, { text: 'bread' }, encoding), { status: 200, body: replaced });
    t.same((await ann.ask('GET', '/api/v1/tasks/')).body, [replaced], 'the list is never stale');
    const changed = { ...task, text: 'butter' };
    t.match(await ann.ask('PATCH', path, { text: 'butter' }, encoding), { status: 200, body: changed });
    t.same((await ann.ask('GET', '/api/v1/tasks/')).body, [changed]);
    t.same((await ann.ask('PATCH', path, {})).body, changed, 'nothing to change');

    for (const [method, members] of requestsTo) {
      assertProblem(t, await bob.ask(method, path, members), 404, 'not_found');
    }
    t.same((await ann.ask('GET', '/api/v1/tasks/')).body, [changed]);
    const gone = await ann.ask('DELETE', path);
    t.same([gone.status, gone.body], [204, undefined]);
    t.same((await ann.ask('GET', '/api/v1/tasks/')).body, []);
    for (const [method, members] of requestsTo) {
      assertProblem(t, await ann.ask(method, path, members), 404, 'not_found');
    }
  }
  const long = '\u{1F95B}'.repeat(200);
  t.match(await ann.ask('POST', '/api/v1/tasks/', { text: long }), { status: 201, body: { text: long } });
  const { status } = await client.ask('GET', '/api/v1/tasks/', undefined, { token: `bearer ${ann.access}` });
  t.equal(status, 200, 'the scheme Bearer is also accepted');
  assertProblem(t, await ann.ask('GET', '/api/v1/tasks'), 404, 'not_found');
}

const requestsTo = [
  ['GET', undefined],
  ['PUT', { text: 'mine' }],
  ['PATCH', { text: 'mine' }],
  ['PATCH', {}],
  ['DELETE', undefined],
] as const;

async function checkUsers(t: Test, client: Client): Promise<void> {
  const eve = await client.registerAndLogIn('eve');
  const fay = await client.registerAndLogIn('fay');
  for (const text of ['first', 'second']) await eve.ask('POST', '/api/v1/tasks/', { text });
  const idOf = ({ access }: { access: string }) => String(claimsOf(access).sub);
  const her = { id: idOf(eve), username: 'eve', tasks: ['second', 'first'] };

  t.match(await eve.ask('GET', `/api/v1/users/${her.id.toUpperCase()}/`), { status: 200, body: her });
  t.same((await fay.ask('GET', `/api/v1/users/${her.id}/`)).body, { ...her, tasks: [] });
  const list = await eve.ask('GET', '/api/v1/users/');
  t.equal(list.status, 200);
  const found = (list.body as { id: string }[]).filter(({ id }) => [her.id, idOf(fay)].includes(id));
  t.same(found, [{ id: idOf(fay), username: 'fay', tasks: [] }, her], 'newest first');
  const members = new Set((list.body as object[]).flatMap(Object.keys));
  t.same([...members].sort(), ['id', 'tasks', 'username']);
  assertProblem(t, await eve.ask('GET', `/api/v1/users/${randomUUID()}/`), 404, 'not_found');

  await client.ask(
    'DELETE',
    '/auth/me',
    { password: PASSWORD },
    { token: `Bearer ${eve.access}`, encoding: 'json' },
  );
  assertProblem(t, await fay.ask('GET', `/api/v1/users/${her.id}/`), 404, 'not_found');
}

/** Every request of this door that needs an access token. */
const PROTECTED = [
  ['POST', '/api/v1/logout/', undefined],
  ['GET', '/api/v1/tasks/', undefined],
  ['POST', '/api/v1/tasks/', { text: 'text' }],
  ['GET', '/api/v1/tasks/1/', undefined],
  ['PUT', '/api/v1/tasks/1/', { text: 'text' }],
  ['PATCH', '/api/v1/tasks/1/', {}],
  ['DELETE', '/api/v1/tasks/1/', undefined],
  ['GET', '/api/v1/users/', undefined],
  ['GET', `/api/v1/users/${randomUUID()}/`, undefined],
] as const;

async function checkEndedSessions(t: Test, client: Client): Promise<void> {
  const gil = await client.registerAndLogIn('gil');
  const elsewhere = await client.logIn('gil');
  const ended = await gil.ask('POST', '/api/v1/logout/');
  t.same([ended.status, ended.body, ended.headers.get('content-length')], [205, undefined, '0']);
  for (const { refresh } of [gil, elsewhere]) {
    assertProblem(t, await client.ask('POST', '/api/v1/refresh/', { refresh }), 401, 'session_revoked');
  }
  const replayed = await client.logIn('gil');
  await client.ask('POST', '/api/v1/refresh/', { refresh: replayed.refresh });
  await client.ask('POST', '/api/v1/refresh/', { refresh: replayed.refresh });
  const tokens = {
    'the token that logged out': gil.token,
    'another session of the same user': `Token ${elsewhere.access}`,
    'a session in which a token was replayed': `Token ${replayed.access}`,
    'no token': '',
    'a malformed token': 'Token x.y.z',
    'another scheme': `Basic ${(await client.logIn('gil')).access}`,
  };
  for (const [name, token] of Object.entries(tokens)) {
    for (const [method, path, members] of PROTECTED) {
      const answer = await client.ask(method, path, members, { token });
      t.equal(answer.status, 401, `${name}: ${method} ${path}`);
    }
  }
}

async function checkUsersWithoutAccount(t: Test, client: Client): Promise<void> {
  const login = await client.ask('POST', `/auth/login?userId=${randomUUID()}`);
  const { access } = login.body as { access: string };
  const token = `Token ${access}`;
  const ask = (method: string, path: string, members?: object) =>
    client.ask(method, path, members, { token });
  assertProblem(t, await ask('GET', '/api/v1/tasks/'), 404, 'not_found');
  assertProblem(t, await ask('POST', '/api/v1/tasks/', { text: 'text' }), 404, 'not_found');
  assertProblem(t, await ask('GET', '/api/v1/tasks/1/'), 404, 'not_found');
  assertProblem(t, await ask('GET', `/api/v1/users/${claimsOf(access).sub}/`), 404, 'not_found');
  t.equal((await ask('GET', '/api/v1/users/')).status, 200);
  t.equal((await ask('POST', '/api/v1/logout/')).status, 205);
  t.equal((await ask('GET', '/api/v1/users/')).status, 401);
}
