import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { openapiOf } from '../support/openapi.ts';
import { operationAt, operationsOf } from '../support/operations.ts';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';

const FILE = 'docs/kinship.http';
const KEY = 'correct-horse-battery-staple-2026';
const REQUEST = /^(GET|POST|PUT|PATCH|DELETE) \{\{origin\}\}(\S+)\n((?:[\w-]+: .*\n)*)(?:\n(.+)\n)?/m;

t.test('every operation of the API has a request under its name', async (t) => {
  const text = await readFile(FILE, 'utf8');
  const names = [...text.matchAll(/^# @name (\w+)$/gm)].map(([, name]) => name);
  const operations = operationsOf(await openapiOf(t));
  t.ok(operations.length > 40);
  t.same(names.sort(), operations.map(({ id }) => id).sort());
});

t.test('the service understands every request of the collection', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url } = await startServiceInProcess(t, {
    DATABASE_URL: await testDatabase(t),
    PUBLIC_URL: 'http://localhost:3000',
    SERVICE_API_KEYS: `operator:admin+login+introspect+metrics+signals:${KEY}`,
    ACCESS_TOKEN_ALG: 'ES256',
    SESSION_COOKIES: 'on',
    ARGON2_MEMORY: '1024',
    REGISTER_LIMIT: '1000/1h',
  });
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': KEY };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, string>;
  };
  /** Requests rotate pairs, end sessions and delete users. So each request gets a new user, session and pair. */
  const variables = async (): Promise<Readonly<Record<string, string>>> => {
    const user = { username: `user-${randomUUID()}`, password: PASSWORD };
    await post('/auth/register', { ...user, email: `${user.username}@example.com` });
    // /oauth/token accepts only an unpaired refresh token, and the other routes accept it, too.
    const pair = await post('/auth/login?binding=refresh', user);
    const me = await fetch(`${url}/auth/me`, { headers: { authorization: `Bearer ${pair.access}` } });
    const { userId, sessionId } = (await me.json()) as Record<string, string>;
    const door = await post('/api/v1/auth/login', { guid: OTHER_USER });
    const headers = { 'x-api-key': KEY };
    const [session] = (await (await fetch(`${url}/api/v1/auth/sessions`, { headers })).json()) as {
      id: string;
    }[];
    return {
      'sessionIdListSessions.response.body.$[0].id': String(session?.id),
      'sessionIdLogIn.response.body.$.refresh_token': String(door.refresh_token),
      access: String(pair.access),
      refresh: String(pair.refresh),
      userId: String(userId),
      sessionId: String(sessionId),
      serviceKey: KEY,
      linkToken: 'A'.repeat(43),
      factorId: randomUUID(),
      webhookId: randomUUID(),
      streamId: randomUUID(),
      eventId: randomUUID(),
      code: '000000',
      challenge: 'a challenge',
      recoveryCode: 'a code',
    };
  };
  const operations = operationsOf(await openapiOf(t));
  const entries = (await readFile(FILE, 'utf8')).split(/^### /m).slice(1);
  for (const entry of entries) {
    const values = await variables();
    const filled = entry.replace(
      /\{\{(?!origin)([^}]+)\}\}/g,
      (_, name) => values[name] ?? unknownVariable(name),
    );
    const [, method = '', path = '', head = '', body] = REQUEST.exec(filled) ?? [];
    const headers = head
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]);
    const init = { method, headers, ...(body !== undefined && { body }), redirect: 'manual' } as const;
    const { status } = await fetch(`${url}${path}`, init);
    const operation = operationAt(operations, { method, path });
    if (operation === undefined) t.equal(status, 200, path);
    else t.ok(operation.statuses.includes(status), `${status} of ${operation.id} is documented`);
    t.notOk([400, 405, 415, 500].includes(status), `${status} after ${entry}`);
  }
});

const OTHER_USER = '0b0ac6d6-53ed-4ea8-8b1e-2ad3cbd61d4c';

function unknownVariable(name: string): never {
  throw new Error(`a variable without a value: ${name}`);
}
