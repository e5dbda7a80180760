import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { httpService } from '../../support/http.ts';

const PASSWORD = 'a violet piano 42';
const HOUR = 3_600_000;

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof httpService>>['post']>>;

/** A service behind a proxy, so that requests come from whatever address the test names. */
async function behindProxy(t: Test) {
  const service = await httpService(t, { http: { trustProxy: ['127.0.0.1'] } });
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

/** The fields that tell a client of its limit. */
const told = ({ headers }: Answer) =>
  ['retry-after', 'ratelimit-policy', 'ratelimit'].map((name) => headers.get(name));

/** Many addresses of one /64, in all the ways in which they are written. */
const addresses = (count: number, network = '2001:db8:1:2') =>
  Array.from({ length: count }, (_, n) =>
    n % 2 === 0 ? `${network}::${n.toString(16)}` : `${network.toUpperCase()}:ffff:${n}:0:${n}`,
  );

t.test('the addresses of one IPv6 /64 share one limit of guesses', async (t) => {
  const { guess } = await behindProxy(t);
  for (const [n, address] of addresses(20).entries())
    t.equal((await guess(`user-${n}`, address)).status, 401, address);
  for (const address of addresses(20).map((used) => used.replace(/.$/, 'e')))
    t.match(await guess('another', address), { status: 429, body: { code: 'too_many_requests' } }, address);
  t.equal((await guess('another', '2001:db8:1:3::1')).status, 401, 'the next /64 has its own');
});

t.test('and one of registrations', async (t) => {
  const { register } = await behindProxy(t);
  for (const [n, address] of addresses(20).entries())
    t.equal((await register(`user-${n}`, address)).status, 201, address);
  t.equal((await register('another', '2001:db8:1:2:aaaa::1')).status, 429);
  t.equal((await register('another', '2001:db8:1:3::1')).status, 201, 'the next /64 has its own');
});

t.test('an IPv4 address is one place, through whatever socket it came', async (t) => {
  const { guess } = await behindProxy(t);
  const spellings = ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:1.2.3.4'];
  for (let n = 0; n < 20; n += 1)
    t.equal((await guess(`user-${n}`, spellings[n % 3] ?? '')).status, 401, `guess ${n}`);
  for (const address of spellings) t.equal((await guess('another', address)).status, 429, address);
  for (const address of ['1.2.3.5', '::ffff:1.2.3.5'])
    t.equal((await guess('another', address)).status, 401, `${address} has its own`);
});

t.test('a hundred guesses at once are as good as one after another', async (t) => {
  const { guess, logIn, register, verifications } = await behindProxy(t);
  const home = '192.0.2.1';
  await register('ann', home);
  t.equal((await logIn('ann', home)).status, 200, 'the owner, at home');
  const before = verifications();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => guess(n % 2 === 0 ? 'ann' : 'ANN@example.com', `198.51.100.${n}`)),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  t.same([count(401), count(429)], [5, 95]);
  t.equal(verifications() - before, 5, 'no other one costs a hash');
  t.equal((await logIn('ann', '203.0.113.9')).status, 429, 'not even the right one, from a place not known');
  t.equal((await logIn('ann', home)).status, 200, 'the owner still gets in at home');
});

t.test('who is turned away is told of which limit, and when to come again', async (t) => {
  const { guess, register, time, send } = await behindProxy(t);
  const home = '192.0.2.1';
  for (let n = 0; n < 5; n += 1) t.same(told(await guess('ann', home)), [null, null, null]);
  const first = await guess('ann', home);
  t.same(told(first), ['1', '"login-account";q=5;w=86400', '"login-account";r=0;t=1']);
  t.equal(first.headers.get('cache-control'), 'no-store');
  time.now += 1_000;
  await guess('ann', home);
  t.same(told(await guess('ann', home)), ['2', '"login-account";q=5;w=86400', '"login-account";r=0;t=2']);

  for (let n = 0; n < 20; n += 1) await guess(`user-${n}`, '192.0.2.2');
  t.same(told(await guess('ann', '192.0.2.2')), [
    '2',
    '"login-account";q=5;w=86400',
    '"login-account";r=0;t=2',
  ]);
  t.same(told(await guess('bob', '192.0.2.2')), [
    '1',
    '"login-network";q=20;w=86400',
    '"login-network";r=0;t=1',
  ]);

  for (let n = 0; n < 20; n += 1) await register(`user-${n}`, home);
  time.now += HOUR / 2;
  t.same(told(await register('another', home)), [
    '1800',
    '"registrations";q=20;w=3600',
    '"registrations";r=0;t=1800',
  ]);
  time.now += HOUR / 2;
  t.equal((await register('another', home)).status, 201);

  t.same(told(await send('/nowhere')), [null, null, null], 'other refusals say nothing of limits');
  const documented = readFileSync('docs/problems.md', 'utf8');
  for (const name of ['login-account', 'login-network', 'registrations', 'requests'])
    t.match(documented, `| \`${name}\` |`);
});
