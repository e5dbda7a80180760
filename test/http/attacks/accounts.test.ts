import type { Test } from 'tap';
import { PASSWORD } from '../../support/passwords.ts';
import {
  assertUnchanged,
  databaseTest,
  familyOf,
  outcomeOf,
  type Pair,
  refusal,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const bob = { username: 'bob', email: 'bob@example.com', password: PASSWORD };
const CONFLICT = '409 conflict';

/** Each request comes from its own network, so that no limit of attempts answers it. */
const FROM_ANYWHERE = { http: { trustProxy: ['127.0.0.1'] } };
let networks = 0;
const elsewhere = () => {
  networks += 1;
  return { 'x-forwarded-for': `10.${networks >> 16}.${(networks >> 8) & 255}.${networks & 255}` };
};

const register = ({ post }: ServiceOnDatabase, account: object) =>
  post('/auth/register', account, elsewhere());

const logIn = ({ post }: ServiceOnDatabase, username: string, password: string) =>
  post('/auth/login', { username, password }, elsewhere());

async function assertRegistrationsRefused(
  t: Test,
  service: ServiceOnDatabase,
  wanted: string,
  accounts: Readonly<Record<string, object>>,
) {
  for (const [name, account] of Object.entries(accounts)) {
    const answer = await assertUnchanged(t, service.sql, () => register(service, account), name);
    t.equal(outcomeOf(answer), wanted, name);
  }
}

databaseTest('a request for another user’s session is answered as not found', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  await register(service, ann);
  await register(service, bob);
  const logInAs = async (username: string): Promise<Pair> => {
    const { body } = await logIn(service, username, PASSWORD);
    return { accessToken: String(body.access), refreshToken: String(body.refresh) };
  };
  const [anns, bobs] = [await logInAs('ann'), await logInAs('bob')];
  const headers = { authorization: `Bearer ${anns.accessToken}` };
  const ids = {
    'another user’s': familyOf(bobs),
    'another user’s in capitals': familyOf(bobs).toUpperCase(),
    unknown: '11111111-1111-4111-8111-111111111111',
  };
  const answers = new Set<string>();
  for (const [name, id] of Object.entries(ids)) {
    const end = () => service.send(`/auth/sessions/${id}`, { method: 'DELETE', headers });
    const { status, body } = await assertUnchanged(t, sql, end, name);
    answers.add(JSON.stringify({ status, ...body, instance: '' }));
    t.equal(`${status} ${body.code}`, '404 not_found', name);
  }
  t.equal(answers.size, 1, 'and the answer is the same as for an id that never existed');

  const { body } = await service.send('/auth/sessions', { headers });
  const seen = (body.items as { id: string }[]).map(({ id }) => id);
  t.same(seen, [familyOf(anns)], 'the list contains only the own session');
  const cursor = `${(service.time.now + 1).toString(36)}.${familyOf(bobs)}`;
  const list = await service.send(`/auth/sessions?cursor=${cursor}&userId=${String(ids.unknown)}`, {
    headers,
  });
  t.notMatch(
    JSON.stringify(list.body),
    familyOf(bobs),
    'neither a cursor nor a userId in the query shows it',
  );
});

databaseTest('answers do not reveal whether a user exists', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  await register(service, ann);
  const answers = new Set<string>();
  const guesses = [
    'ann',
    'nobody',
    'ann@example.com',
    'nobody@example.com',
    'ANN',
    "' OR 1=1 --",
    'x'.repeat(1_024),
  ];
  for (const username of guesses) {
    const before = service.verifications();
    const headers = {
      ...elsewhere(),
      'content-type': 'application/json',
      'x-request-id': 'the-same-for-all',
    };
    const body = JSON.stringify({ username, password: 'a wrong piano 42' });
    const login = () => fetch(`${service.url}/auth/login`, { method: 'POST', headers, body });
    const response = await assertUnchanged(t, sql, login, username.slice(0, 20));
    const { date: _, ...headersOfAnswer } = Object.fromEntries(response.headers);
    answers.add(JSON.stringify([response.status, headersOfAnswer, await response.text()]));
    t.equal(service.verifications(), before + 1, `${username.slice(0, 20)}: one password is verified`);
  }
  t.equal(answers.size, 1, 'the same bytes');
  t.match([...answers][0], 'invalid_credentials');
  for (const body of [
    { username: 'ann' },
    { password: PASSWORD },
    {},
    { username: ['ann'], password: PASSWORD },
  ]) {
    t.equal(outcomeOf(await service.post('/auth/login', body)), refusal.request, JSON.stringify(body));
  }
});

databaseTest('invalid passwords are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  const withPassword = (password: unknown) => ({ ...bob, username: 'robert.the.great', password });
  await assertRegistrationsRefused(t, service, refusal.request, {
    'seven characters': withPassword('seven77'),
    'seven that take two units each': withPassword('🐧'.repeat(7)),
    'seven once they are composed': withPassword('e\u0301'.repeat(7)),
    'a NUL': withPassword('nul\u0000in the middle'),
    'half a character': withPassword('half \ud800 of a character'),
    '129 characters': withPassword('x'.repeat(129)),
    'one of the most common passwords': withPassword('password1'),
    'a common password in capitals': withPassword('QWERTYUIOP'),
    'another common password': withPassword('iloveyou'),
    'the name': withPassword('robert.the.great'),
    'the name in capitals': withPassword('ROBERT.THE.GREAT'),
    'the name in full width': withPassword('\uff52obert.the.great'),
    'the name, which came in parts': { ...withPassword('\u00c4rgerlich'), username: 'A\u0308rgerlich' },
    'the address': withPassword('bob@example.com'),
    'a number': withPassword(1234567890),
    none: { username: 'bob', email: 'bob@example.com' },
  });
  await assertRegistrationsRefused(t, service, '413 payload_too_large', {
    'a megabyte': withPassword('x'.repeat(1024 * 1024)),
  });
});

databaseTest('valid passwords are accepted in every Unicode form', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  let count = 0;
  /** Registers a user with the first password. Returns the status of a login with each password. */
  const registerAndTryLogins = async (first: string, ...others: string[]) => {
    count += 1;
    const username = `user${count}`;
    const account = { username, email: `${username}@example.com`, password: first };
    t.equal((await register(service, account)).status, 201, first.slice(0, 20));
    const tries = [first, ...others].map(
      async (password) => (await logIn(service, username, password)).status,
    );
    return Promise.all(tries);
  };
  t.same(await registerAndTryLogins('🐧🐧🐧🐧🐧🐧🐧🐧', '🐧🐧🐧🐧🐧🐧🐧🦆'), [200, 401]);
  t.same(await registerAndTryLogins(' '.repeat(15), ' '.repeat(14), ' '.repeat(16)), [200, 401, 401]);
  t.same(await registerAndTryLogins('x'.repeat(128), 'x'.repeat(127)), [200, 401]);
  const long = 'correct horse battery staple '.repeat(4).slice(0, 100);
  t.same(
    await registerAndTryLogins(long, `${long.slice(0, 72)}X${long.slice(73)}`),
    [200, 401],
    'the 73rd character counts',
  );
  t.same(
    await registerAndTryLogins('Caf\u00e9 am Rand', 'Cafe\u0301 am Rand', 'Cafe am Rand'),
    [200, 200, 401],
    'the forms NFC and NFD are equal',
  );
  t.same(await registerAndTryLogins("' OR 1=1 --", "' OR 2=2 --"), [200, 401]);
  t.same(await registerAndTryLogins('%27; drop table users', "'; drop table users"), [200, 401]);
});

databaseTest('a name is unique across case and Unicode forms', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  const first = { username: 'Ärger', email: 'Anger@example.com', password: PASSWORD };
  t.equal((await register(service, first)).status, 201);
  const other = { ...first, username: 'somebody', email: 'somebody@example.com' };
  await assertRegistrationsRefused(t, service, CONFLICT, {
    'the name again': { ...other, username: 'Ärger' },
    'the name in another case': { ...other, username: 'äRGER' },
    'the name in another Unicode form': { ...other, username: 'A\u0308rger' },
    'the name in full width': { ...other, username: 'Ä\uff52ger' },
    'the address again': { ...other, email: 'Anger@example.com' },
    'the address in another case': { ...other, email: 'ANGER@EXAMPLE.COM' },
  });
  await assertRegistrationsRefused(t, service, refusal.request, {
    'the address in full width': { ...other, email: '\uff21nger@example.com' },
    'the address with a full-width at sign': { ...other, email: 'anger\uff20example.com' },
    'the address as a name': { ...other, username: 'anger@example.com' },
    'a free address as a name': { ...other, username: 'eve@example.com' },
    'a free address with a full-width at sign, as a name': { ...other, username: 'eve\uff20example.com' },
    'a free address with a small at sign, as a name': { ...other, username: 'eve\ufe6bexample.com' },
    'a name with an invisible character': { ...other, username: 'Är\u200bger' },
    'a name with a direction mark': { ...other, username: 'Är\u202eger' },
    'a name with a space': { ...other, username: 'Ärger ' },
  });
  for (const name of ['Ärger', 'A\u0308RGER', 'ANGER@example.com']) {
    t.equal((await logIn(service, name, PASSWORD)).status, 200, `${name} is that one user`);
  }
});

databaseTest('fifty simultaneous registrations of one name create one user', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  const cases = ['ann', 'ANN', 'Ann', '\uff21nn'];
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      register(service, { ...ann, username: cases[index % 4], email: `ann${index}@example.com` }),
    ),
  );
  t.same(answers.map(outcomeOf).sort(), ['201', ...Array(49).fill(CONFLICT)]);
  const [row] = await sql`
    select (select count(*)::int from users) as users, (select count(*)::int from user_identifiers) as identifiers,
      (select count(*)::int from outbox where type = 'users.created') as events`;
  t.same(row, { users: 1, identifiers: 2, events: 1 });
});

databaseTest('an address that is not exactly one plain mailbox is refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  const label = (letter: string) => letter.repeat(60);
  const bad: Record<string, string> = {
    'a second header': 'bob@example.com\r\nBcc: eve@evil.example',
    'a line feed behind it': 'bob@example.com\n',
    'a line feed before it': '\nbob@example.com',
    'two addresses': 'bob@example.com,eve@evil.example',
    'two with a semicolon': 'bob@example.com;eve@evil.example',
    'a quoted at sign': '"bob@evil.example"@example.com',
    'a quoted part': '"bob"@example.com',
    'angle brackets': '<bob@example.com>',
    'a name and angle brackets': 'Bob <bob@example.com>',
    'a comment': 'bob(eve@evil.example)@example.com',
    'an address as host': 'bob@[127.0.0.1]',
    'a host without a dot': 'bob@localhost',
    'two at signs': 'bob@evil.example@example.com',
    'a group': 'all:bob@example.com,eve@evil.example;',
    'an encoded word': '=?utf-8?q?eve=40evil.example?=@example.com, x',
    'a NUL': 'bob@example.com\u0000',
    'a space': 'bob @example.com',
    'over 254 characters': `bob@${label('b')}.${label('c')}.${label('d')}.${label('e')}.example.com`,
    'over 64 characters before the at sign': `${'b'.repeat(65)}@example.com`,
    nothing: '',
  };
  for (const [name, email] of Object.entries(bad)) {
    await assertRegistrationsRefused(t, service, refusal.request, { [name]: { ...bob, email } });
    const forgot = () => service.post('/auth/password/forgot', { email });
    t.equal(outcomeOf(await assertUnchanged(t, sql, forgot, `${name}, forgotten`)), refusal.request, name);
  }
  t.equal((await sql`select 1 from outbox`).count, 0, 'no mail and no event is recorded');
});

databaseTest('SQL in an account is stored as plain text', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
  const email = "o'or'1'='1@example.com";
  const { status, body } = await register(service, { ...ann, email });
  t.equal(status, 201);
  t.equal(body.email, email, 'it is stored unchanged');
  t.equal((await logIn(service, email, PASSWORD)).status, 200);
  for (const name of ["' OR 1=1 --", "ann'--", '%27 OR 1=1', '; drop table users']) {
    t.equal(outcomeOf(await logIn(service, name, PASSWORD)), '401 invalid_credentials', name);
    t.equal(outcomeOf(await register(service, { ...bob, username: name })), refusal.request, name);
    t.equal(outcomeOf(await logIn(service, 'ann', name)), '401 invalid_credentials', `${name} as a password`);
  }
  t.equal((await sql`select 1 from users`).count, 1);
});

databaseTest(
  'a name, address or password that is too long is refused before a hash is computed',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, FROM_ANYWHERE);
    const long = '\ufdfa'.repeat(1_025); // NFKC expands each character to 18 characters
    const requests: Readonly<Record<string, [path: string, body: object]>> = {
      'a login': ['/auth/login', { username: long, password: PASSWORD }],
      'a login with a long password': ['/auth/login', { username: 'ann', password: long }],
      'a registration': ['/auth/register', { ...ann, username: long }],
      'a registration with a long address': ['/auth/register', { ...ann, email: `${long}@example.com` }],
      'a registration with a long password': ['/auth/register', { ...ann, password: long }],
      'a forgotten password': ['/auth/password/forgot', { email: long }],
    };
    for (const [name, [path, body]] of Object.entries(requests)) {
      const verified = service.verifications();
      const answer = await assertUnchanged(t, sql, () => service.post(path, body, elsewhere()), name);
      t.equal(outcomeOf(answer), '400 invalid_request', name);
      t.equal(service.verifications(), verified, `${name}: no hash is computed`);
    }
  },
);
