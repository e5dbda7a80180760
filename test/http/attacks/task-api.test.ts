import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { compact, hmac } from '../../support/forge.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { rawRequest, sendRaw } from '../../support/raw-http.ts';
import {
  assertUnchanged,
  databaseTest,
  outcomeOf,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';
import { ENCODINGS, type Encoding, taskClient } from '../../support/task-api.ts';

const TASKS = '/api/v1/tasks/';
const INVALID_REQUEST = '400 invalid_request';
const encodings = Object.keys(ENCODINGS) as Encoding[];

/** The door, and two users with one task each. */
async function attackedDoor(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql);
  const client = taskClient(service.url);
  const [ann, bob] = [await client.registerAndLogIn('ann'), await client.registerAndLogIn('bob')];
  const createTask = async ({ ask }: typeof ann, text: string) =>
    `${TASKS}${((await ask('POST', TASKS, { text })).body as { id: number }).id}/`;
  return {
    service,
    client,
    ann,
    bob,
    hers: await createTask(ann, 'hers'),
    his: await createTask(bob, 'his'),
  };
}

type Door = Awaited<ReturnType<typeof attackedDoor>>;

/** Asserts that the request changes nothing, and that its answer has the wanted status and code. */
async function assertRefused(
  t: Test,
  { service }: Door,
  wanted: string,
  name: string,
  path: string,
  init: RequestInit,
): Promise<void> {
  const answer = await assertUnchanged(t, service.sql, () => service.send(path, init), name);
  t.equal(outcomeOf(answer), wanted, name);
}

const json = (body: string | Uint8Array) => ({ headers: { 'content-type': 'application/json' }, body });
const form = (body: string | Uint8Array) => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
});
const parts = (body: string | Uint8Array, boundary = '; boundary=b') => ({
  headers: { 'content-type': `multipart/form-data${boundary}` },
  body,
});
const field = (value: string, name = 'text', more = '') =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const whole = (...fields: string[]) => `${fields.join('')}--b--\r\n`;
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

type Body = { readonly headers: Record<string, string>; readonly body: string | Uint8Array };

const post = (token: string, { headers, body }: Body) => ({
  method: 'POST',
  headers: { ...headers, authorization: token },
  body,
});

databaseTest('another user’s task is answered as not found by every method', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { ann, bob, hers, his } = door;
  for (const [user, path] of [
    [ann, his],
    [bob, hers],
  ] as const) {
    for (const [method, members] of [
      ['GET', undefined],
      ['PUT', { text: 'mine' }],
      ['PATCH', { text: 'mine' }],
      ['PATCH', {}],
      ['DELETE', undefined],
    ] as const) {
      const answer = await assertUnchanged(
        t,
        sql,
        () => user.ask(method, path, members),
        `${method} ${path}`,
      );
      t.match(answer, { status: 404, body: { code: 'not_found' } });
    }
  }
});

databaseTest('an invalid or unknown task number is refused', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { token } = door.ann;
  const wrong = [
    '0',
    '-1',
    '1.5',
    '1e400',
    'NaN',
    'null',
    'x',
    '%00',
    "' OR 1=1 --",
    '2147483648',
    '9'.repeat(100),
  ];
  for (const id of wrong) {
    for (const method of ['GET', 'DELETE']) {
      const init = { method, headers: { authorization: token } };
      await assertRefused(
        t,
        door,
        INVALID_REQUEST,
        `${method} ${id}`,
        `${TASKS}${encodeURIComponent(id)}/`,
        init,
      );
    }
  }
  const unknown = { method: 'DELETE', headers: { authorization: token } };
  await assertRefused(t, door, '404 not_found', 'the largest number', `${TASKS}2147483647/`, unknown);
  for (const path of [`${TASKS}1`, `${TASKS}1//`, `${TASKS}1/2/`, '/api/v1/Tasks/']) {
    await assertRefused(t, door, '404 not_found', path, path, unknown);
  }
  await assertRefused(t, door, INVALID_REQUEST, 'no UUID', '/api/v1/users/1/', {
    headers: { authorization: token },
  });
});

databaseTest('a text outside of 1 to 200 valid characters is refused', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { token } = door.ann;
  const bodies: Record<string, Body> = {
    empty: json('{"text":""}'),
    'too long': json(JSON.stringify({ text: 'x'.repeat(201) })),
    'too long in characters of two units': json(JSON.stringify({ text: '\u{1F95B}'.repeat(201) })),
    'a NUL': json('{"text":"a\\u0000"}'),
    'a lone surrogate': json('{"text":"a\\ud800"}'),
    null: json('{"text":null}'),
    'a number': json('{"text":1}'),
    'a list': json('{"text":["a"]}'),
    'an object': json('{"text":{"a":"b"}}'),
    'no text': json('{}'),
    'no body': json(''),
    'a list of tasks': json('[{"text":"a"}]'),
    'empty, in a form': form('text='),
    'a NUL, in a form': form('text=a%00'),
    'twice, in a form': form('text=a&text=b'),
    'as a list, in a form': form('text[]=a'),
    'no UTF-8, in a form': form('text=%ff'),
    'Latin-1, in a form': form(latin1('text=gr\xfc\xdfe')),
    'nothing, in a form': form(''),
    'empty, in parts': parts(whole(field(''))),
    'a NUL, in parts': parts(whole(field('a\0'))),
    'twice, in parts': parts(whole(field('a'), field('b'))),
    'no UTF-8, in parts': parts(latin1(whole(field('\xff')))),
    'a number in JSON, in parts': parts(whole(field('1', 'text', '\r\nContent-Type: application/json'))),
    'JSON that is no text, in parts': parts(
      whole(field('{"toString":1}', 'text', '\r\nContent-Type: application/json')),
    ),
    'no JSON, in parts': parts(whole(field('{', 'text', '\r\nContent-Type: application/json'))),
    'nothing, in parts': parts(whole()),
  };
  for (const [name, body] of Object.entries(bodies)) {
    await assertRefused(t, door, INVALID_REQUEST, name, TASKS, post(token, body));
  }
});

databaseTest('undocumented members are refused', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { client, ann, hers } = door;
  const registration = { username: 'eve', password: PASSWORD, email: 'eve@example.com' };
  const routes = [
    ['POST', '/api/v1/register/', registration],
    ['POST', '/api/v1/login/', { username: 'ann', password: PASSWORD }],
    ['POST', '/api/v1/refresh/', { refresh: ann.refresh }],
    ['POST', '/api/v1/logout/', {}],
    ['POST', TASKS, { text: 'text' }],
    ['PUT', hers, { text: 'text' }],
    ['PATCH', hers, { text: 'text' }],
  ] as const;
  const unknown = [
    'id',
    'author',
    'pub_date',
    'role',
    'is_staff',
    'verified',
    'access',
    '__proto__',
    'constructor',
  ];
  for (const [method, path, members] of routes) {
    for (const encoding of encodings) {
      for (const name of unknown) {
        const more = Object.fromEntries([...Object.entries(members), [name, '1']]);
        const request = `${method} ${path}, ${name}, ${encoding}`;
        const ask = () => client.ask(method, path, more, { token: ann.token, encoding });
        const answer = await assertUnchanged(t, sql, ask, request);
        t.match(answer, { status: 400, body: { code: 'invalid_request' } }, request);
      }
    }
  }
});

databaseTest('oversized forms and files are refused', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { token } = door.ann;
  const many = Array.from({ length: 21 }, (_, n) => field('x', `t${n}`));
  const large = '413 payload_too_large';
  const bodies: Record<string, [string, Body]> = {
    'a file': [INVALID_REQUEST, parts(whole(field('x', 'text', '; filename="a.txt"')))],
    'a file together with the text': [
      INVALID_REQUEST,
      parts(whole(field('a'), field('x', 'f', '; filename="a"'))),
    ],
    'a file of a megabyte': [large, parts(whole(field('x'.repeat(1 << 20), 'f', '; filename="a"')))],
    'text of a megabyte': [large, parts(whole(field('x'.repeat(1 << 20))))],
    'many parts': [large, parts(whole(...many))],
    'many parts of a form': [
      INVALID_REQUEST,
      form(Array.from({ length: 5_000 }, (_, n) => `t${n}=1`).join('&')),
    ],
    'a form over 64 KiB': [large, form(`text=${'x'.repeat(65 * 1024)}`)],
    'a long name': [INVALID_REQUEST, parts(whole(field('x', 'n'.repeat(10_000))))],
    'many headers of a part': [INVALID_REQUEST, parts(whole(field('x', 't', '\r\nX-A: b'.repeat(3_000))))],
    'no boundary': [INVALID_REQUEST, parts(whole(field('a')), '')],
    'another boundary': [INVALID_REQUEST, parts(whole(field('a')), '; boundary=c')],
    'a long boundary': [INVALID_REQUEST, parts(whole(field('a')), `; boundary=${'c'.repeat(1_000)}`)],
    'no end': [INVALID_REQUEST, parts(field('a'))],
    'a part without a name': [
      INVALID_REQUEST,
      parts('--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--\r\n'),
    ],
    'a preamble without an end': [large, parts(`${'x'.repeat(65 * 1024)}${whole(field('a'))}`)],
  };
  for (const [name, [wanted, body]] of Object.entries(bodies)) {
    await assertRefused(t, door, wanted, name, TASKS, post(token, body));
  }
  t.equal((await door.ann.ask('POST', TASKS, { text: 'and it goes on' }, 'multipart')).status, 201);
});

databaseTest('oversized and endless multipart bodies are cut off', async (t, sql) => {
  const { service, ann } = await attackedDoor(t, sql);
  const head = [
    'Host: localhost',
    `Authorization: ${ann.token}`,
    'Content-Type: multipart/form-data; boundary=b',
  ];
  const chunk = `${(0xffff).toString(16)}\r\n${'x'.repeat(0xffff)}\r\n`;
  const requests = {
    'a length that is only announced': rawRequest(`POST ${TASKS}`, [...head, 'Content-Length: 99999999999']),
    'chunks without an end': rawRequest(
      `POST ${TASKS}`,
      [...head, 'Transfer-Encoding: chunked'],
      chunk.repeat(3),
    ),
  };
  for (const [name, request] of Object.entries(requests)) {
    const { outcome, answers } = await assertUnchanged(t, sql, () => sendRaw(service.url, request), name);
    t.same([outcome, answers], ['413 payload_too_large', 1], name);
  }
});

databaseTest('bodies of other types, forms at other doors, and other methods are refused', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { token } = door.ann;
  for (const type of [
    'text/plain',
    'application/xml',
    'multipart/mixed; boundary=b',
    'application/json-patch+json',
  ]) {
    const body = { headers: { 'content-type': type }, body: '{"text":"a"}' };
    await assertRefused(t, door, '415 unsupported_media_type', type, TASKS, post(token, body));
  }
  for (const body of [form('username=ann'), parts(whole(field('ann', 'username')))]) {
    await assertRefused(t, door, '415 unsupported_media_type', 'canonical', '/auth/login', post('', body));
  }
  for (const method of ['HEAD', 'PUT', 'TRACE-ME']) {
    const answer = await sendRaw(
      door.service.url,
      rawRequest(`${method} ${TASKS}`, ['Host: x', 'Connection: close']),
    );
    t.match(answer.outcome, /^4/, method);
  }
});

databaseTest('tokens follow the same rules as at other doors', async (t, sql) => {
  const door = await attackedDoor(t, sql);
  const { service, ann } = door;
  const paired = await service.open();
  const refresh = (token: string) => post('', json(JSON.stringify({ refresh: token })));
  const path = '/api/v1/refresh/';
  await assertRefused(t, door, '401 pair_mismatch', 'half a pair', path, refresh(paired.refreshToken));
  await assertRefused(t, door, '401 invalid_token', 'an access token', path, refresh(ann.access));
  await assertRefused(t, door, '400 malformed_token', 'nothing', path, refresh(''));
  const old = compact({ alg: 'HS256', typ: 'JWT' }, { token_type: 'refresh', user_id: 1 }, hmac('another'));
  await assertRefused(t, door, '400 malformed_token', 'a token of another service', path, refresh(old));
  const { headers, ...request } = refresh(ann.refresh);
  const withKey = { ...request, headers: { ...headers, 'idempotency-key': 'two words' } };
  await assertRefused(t, door, INVALID_REQUEST, 'an invalid Idempotency-Key', path, withKey);
  for (const token of [
    `Token ${old}`,
    ann.refresh,
    `Token ${ann.refresh}`,
    `Token  ${ann.access} x`,
    `Token,${ann.access}`,
    ann.access,
  ]) {
    const init = { headers: { authorization: token } };
    await assertRefused(t, door, '401 unauthenticated', token.slice(0, 8), TASKS, init);
  }
});

databaseTest(
  'a username that the contract does not allow, or that is taken in another spelling, is refused',
  async (t, sql) => {
    const door = await attackedDoor(t, sql);
    const email = 'eve@example.com';
    const names = ['', ' ', 'e ve', 'e/ve', 'eve!', 'x'.repeat(151), 'bob@example.com', 'e\u0000ve', '<eve>'];
    for (const username of names) {
      const body = json(JSON.stringify({ username, email, password: PASSWORD }));
      await assertRefused(
        t,
        door,
        INVALID_REQUEST,
        JSON.stringify(username),
        '/api/v1/register/',
        post('', body),
      );
    }
    for (const username of ['ANN', 'Ann', 'ａｎｎ']) {
      const body = json(JSON.stringify({ username, email, password: PASSWORD }));
      await assertRefused(t, door, '409 conflict', username, '/api/v1/register/', post('', body));
    }
  },
);
