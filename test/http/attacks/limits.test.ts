import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { startHttpService } from '../../support/http.ts';
import { PASSWORD } from '../../support/passwords.ts';

const HOUR = 3_600_000;

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof startHttpService>>['post']>>;

/** A service behind a proxy, so that the test can choose the address of each request. */
async function behindProxy(t: Test) {
  const service = await startHttpService(t, { http: { trustProxy: ['127.0.0.1'] } });
  const post = (path: string, body: object, address: string) =>
    service.post(path, body, { 'x-forwarded-for': address });
  return {
    ...service,
    guess: (username: string, address: string) =>
      post('/auth/login', { username, password: 'a wrong guess' }, address),
    logIn: (username: string, address: string) =>
      post('/auth/login', { username, password: PASSWORD }, address),
    register: (username: string, address: string) => {
      const account = { username, email: `${username}@example.com`, password: PASSWORD };
      return post('/auth/register', account, address);
    },
  };
}

/** The header fields that tell a client its limit. */
const limitFieldsOf = ({ headers }: Answer) =>
  ['retry-after', 'ratelimit-policy', 'ratelimit'].map((name) => headers.get(name));

/** Many addresses of one IPv6 /64, in different spellings. */
const addresses = (count: number, network = '2001:db8:1:2') =>
  Array.from({ length: count }, (_, n) =>
    n % 2 === 0 ? `${network}::${n.toString(16)}` : `${network.toUpperCase()}:ffff:${n}:0:${n}`,
  );

t.test('the addresses of one IPv6 /64 share one limit of wrong passwords', async (t) => {
  const { guess } = await behindProxy(t);
  for (const [n, address] of addresses(20).entries())
    t.equal((await guess(`user-${n}`, address)).status, 401, address);
  for (const address of addresses(20).map((used) => used.replace(/.$/, 'e')))
    t.match(await guess('another', address), { status: 429, body: { code: 'too_many_requests' } }, address);
  t.equal((await guess('another', '2001:db8:1:3::1')).status, 401, 'the next /64 has its own limit');
});

t.test('the answers to wrong passwords do not reveal which name and address belong together', async (t) => {
  const { guess, register, logIn, time } = await behindProxy(t);
  for (const name of ['ann', 'bob']) t.equal((await register(name, '192.0.2.1')).status, 201);
  const names = ['ann@example.com', 'bob@example.com', 'nobody@example.com'];
  const shape = (answer: Answer) => {
    const { instance: _, ...body } = answer.body;
    return JSON.stringify([answer.status, body, limitFieldsOf(answer)]);
  };
  const compareAnswers = async (network: number) => {
    for (let n = 0; n < 5; n += 1) t.equal((await guess('ann', `10.${network}.0.${n}`)).status, 401);
    t.equal((await guess('ann', `10.${network}.0.5`)).status, 429);
    const rounds = Array.from({ length: 6 }, async (_, n) => {
      const answers = names.map((name, index) => guess(name, `10.${network}.${index + 1}.${n}`));
      return new Set((await Promise.all(answers)).map(shape)).size;
    });
    t.same(await Promise.all(rounds), Array(6).fill(1), 'each round has one answer for all three');
  };
  await compareAnswers(1);
  t.equal((await logIn('ann', '198.51.100.7')).status, 429);
  time.now += 48 * HOUR;
  t.equal((await logIn('ann', '198.51.100.7')).status, 200, 'a network where ann is known');
  for (let n = 0; n < 5; n += 1) t.equal((await guess('ann', '198.51.100.7')).status, 401);
  t.equal((await guess('ann', '198.51.100.7')).status, 429);
  t.equal(
    (await guess('ann@example.com', '198.51.100.7')).status,
    401,
    'also from a known network the mail address has its own count',
  );
});

t.test('an owner under attack logs in from a new network after a reset by mail', async (t) => {
  const service = await behindProxy(t);
  const { guess, logIn, register, time, links, outbox, post, url } = service;
  t.equal((await register('ann', '192.0.2.1')).status, 201);
  for (let n = 0; n < 30; n += 1) {
    time.now += HOUR / 4;
    t.equal((await guess('ann', `10.0.0.${n}`)).status, 401, 'one guess in a quarter of an hour');
  }
  t.equal((await logIn('ann', '198.51.100.7')).status, 429);
  await post('/auth/password/forgot', { email: 'ann@example.com' });
  const [mail] = await outbox.claim('mail', time.now, time.now, 10);
  if (mail?.event.type !== 'users.password_forgotten') throw new Error('no mail with a link');
  const set = await fetch(`${url}/auth/password/reset`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '198.51.100.7' },
    body: new URLSearchParams({
      token: links.makeResetSecret(mail.event.data.resetId),
      newPassword: PASSWORD,
    }),
  });
  t.equal(set.status, 200);
  for (let n = 0; n < 10; n += 1) await guess('ann', `10.0.1.${n}`);
  t.equal((await logIn('ann', '203.0.113.9')).status, 429, 'the attack continues');
  t.equal((await logIn('ann', '198.51.100.7')).status, 200, 'from the network where the link was used');
});

t.test('a user on a throttled network can log in within minutes', async (t) => {
  const { guess, logIn, register, time } = await behindProxy(t);
  t.equal((await register('ann', '192.0.2.1')).status, 201);
  let answered = 0;
  for (let n = 0; n < 30; n += 1) {
    const { status, headers } = await guess(`user-${n}`, '198.51.100.7');
    if (status === 401) answered += 1;
    else time.now += Number(headers.get('retry-after')) * 1000;
  }
  t.ok(answered >= 20, `${answered} wrong passwords`);
  const { status, headers } = await logIn('ann', '198.51.100.7');
  t.ok(status === 200 || Number(headers.get('retry-after')) <= 64, `${status} ${headers.get('retry-after')}`);
  time.now += 64_000;
  t.equal((await logIn('ann', '198.51.100.7')).status, 200);
});

t.test('the addresses of one IPv6 /64 share one limit of registrations', async (t) => {
  const { register } = await behindProxy(t);
  for (const [n, address] of addresses(20).entries())
    t.equal((await register(`user-${n}`, address)).status, 201, address);
  t.equal((await register('another', '2001:db8:1:2:aaaa::1')).status, 429);
  t.equal((await register('another', '2001:db8:1:3::1')).status, 201, 'the next /64 has its own limit');
});

t.test('an IPv4 address and its IPv4-mapped form share one limit', async (t) => {
  const { guess } = await behindProxy(t);
  const spellings = ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:1.2.3.4'];
  for (let n = 0; n < 20; n += 1)
    t.equal((await guess(`user-${n}`, spellings[n % 3] ?? '')).status, 401, `guess ${n}`);
  for (const address of spellings) t.equal((await guess('another', address)).status, 429, address);
  for (const address of ['1.2.3.5', '::ffff:1.2.3.5'])
    t.equal((await guess('another', address)).status, 401, `${address} has its own`);
});

t.test('a hundred simultaneous guesses get no more attempts than sequential guesses', async (t) => {
  const { guess, logIn, register, verifications } = await behindProxy(t);
  const home = '192.0.2.1';
  await register('ann', home);
  t.equal((await logIn('ann', home)).status, 200, 'the owner, at home');
  const before = verifications();
  const both = await behindProxy(t);
  await both.register('ann', home);
  const mixed = await Promise.all(
    Array.from({ length: 100 }, (_, n) => both.guess(['ann', 'ann@example.com'][n % 2] ?? '', `10.0.0.${n}`)),
  );
  t.equal(mixed.filter(({ status }) => status === 401).length, 10, 'five by the name, five by the address');
  t.equal(both.verifications(), 10);
  const guessHundredTimes = async (...names: [string, string]) => {
    const guesses = Array.from({ length: 100 }, (_, n) => guess(names[n % 2] ?? '', `198.51.100.${n}`));
    const answers = await Promise.all(guesses);
    return [401, 429].map((status) => answers.filter((answer) => answer.status === status).length);
  };
  t.same(await guessHundredTimes('ann', 'ANN'), [5, 95]);
  t.equal(verifications() - before, 5, 'no other attempt computes a hash');
  t.same(
    await guessHundredTimes('ann@example.com', 'ANN@example.com'),
    [5, 95],
    'the address has its own count',
  );
  t.equal(verifications() - before, 10);
  t.equal(
    (await logIn('ann', '203.0.113.9')).status,
    429,
    'also the right password is refused from an unknown network',
  );
  t.equal((await logIn('ann', home)).status, 200, 'the owner still gets in at home');
});

t.test(
  'logins with the right password in a loop are limited, and other users of the network can still log in',
  async (t) => {
    const { logIn, post, register, time, verifications, lines } = await behindProxy(t);
    const home = '192.0.2.1';
    for (const name of ['ann', 'bob']) t.equal((await register(name, home)).status, 201);
    const doors = [
      (username: string) => logIn(username, home),
      (username: string) =>
        post('/api/v1/login/', { username, password: PASSWORD }, { 'x-forwarded-for': home }),
    ];
    const before = verifications();
    const statuses: number[] = [];
    for (let n = 0; n < 100; n += 1)
      statuses.push((await doors[n % 2]?.(n % 3 === 0 ? 'ANN' : 'ann'))?.status ?? 0);
    t.same([...new Set(statuses.slice(0, 60))], [200]);
    t.same([...new Set(statuses.slice(60))], [429]);
    t.equal(verifications() - before, 60, 'a refused login costs no hash');
    t.match(lines.at(-2), /"event":"limit_reached","limit":"login-rate"/);
    for (const door of doors) {
      t.same(limitFieldsOf((await door('ann')) as Answer), [
        '60',
        '"login-rate";q=60;w=60',
        '"login-rate";r=0;t=60',
      ]);
      t.equal((await door('bob')).status, 200);
    }
    t.equal((await logIn('ann', '192.0.2.2')).status, 200, 'another network has its own limit');
    time.now += 60_000;
    t.equal((await logIn('ann', home)).status, 200);
  },
);

t.test('a name without an account has the same limit of logins', async (t) => {
  const { guess, register, time } = await behindProxy(t);
  t.equal((await register('ann', '192.0.2.1')).status, 201);
  const answersTo = async (name: string, address: string) => {
    const answers: string[] = [];
    for (let n = 0; n < 62; n += 1) {
      const answer = await guess(name, address);
      answers.push(JSON.stringify([answer.status, limitFieldsOf(answer)]));
    }
    return answers;
  };
  const known = await answersTo('ann', '192.0.2.7');
  t.match(known.at(-1), /login-rate/);
  t.same(await answersTo('nobody', '192.0.2.8'), known);
  time.now += 60_000;
  t.equal((await guess('nobody', '192.0.2.8')).status, 401);
});

t.test('all accounts of one network share a limit of logins', async (t) => {
  const { guess } = await behindProxy(t);
  const network = '192.0.2.1';
  for (let n = 0; n < 300; n += 1)
    t.notMatch(limitFieldsOf(await guess(`user-${n}`, network)), [/./, /login-rate/, /./]);
  t.same(limitFieldsOf(await guess('another', network)), [
    '60',
    '"login-rate-network";q=300;w=60',
    '"login-rate-network";r=0;t=60',
  ]);
  t.equal((await guess('another', '192.0.2.2')).status, 401);
});

t.test('a rate-limited request gets the name of the limit and Retry-After', async (t) => {
  const { guess, register, time, send } = await behindProxy(t);
  const home = '192.0.2.1';
  for (let n = 0; n < 5; n += 1) t.same(limitFieldsOf(await guess('ann', home)), [null, null, null]);
  const first = await guess('ann', home);
  t.same(limitFieldsOf(first), ['1', '"login-account";q=5;w=86400', '"login-account";r=0;t=1']);
  t.equal(first.headers.get('cache-control'), 'no-store');
  time.now += 1_000;
  await guess('ann', home);
  t.same(limitFieldsOf(await guess('ann', home)), [
    '2',
    '"login-account";q=5;w=86400',
    '"login-account";r=0;t=2',
  ]);

  for (let n = 0; n < 20; n += 1) await guess(`user-${n}`, '192.0.2.2');
  t.same(limitFieldsOf(await guess('ann', '192.0.2.2')), [
    '2',
    '"login-account";q=5;w=86400',
    '"login-account";r=0;t=2',
  ]);
  t.same(limitFieldsOf(await guess('bob', '192.0.2.2')), [
    '1',
    '"login-network";q=20;w=1200',
    '"login-network";r=0;t=1',
  ]);

  for (let n = 0; n < 20; n += 1) await register(`user-${n}`, home);
  time.now += HOUR / 2;
  t.same(limitFieldsOf(await register('another', home)), [
    '1800',
    '"registrations";q=20;w=3600',
    '"registrations";r=0;t=1800',
  ]);
  time.now += HOUR / 2;
  t.equal((await register('another', home)).status, 201);

  t.same(limitFieldsOf(await send('/nowhere')), [null, null, null], 'other refusals say nothing of limits');
  const documented = readFileSync('docs/problems.md', 'utf8');
  const limits = [
    'login-account',
    'login-network',
    'login-rate',
    'login-rate-network',
    'registrations',
    'requests',
  ];
  for (const name of limits) t.match(documented, `| \`${name}\` |`);
});
