import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

/**
 * The service with this environment and a clock that the test sets, and functions that send requests from given
 * addresses.
 */
async function startLimited(t: Test, env: Record<string, string>) {
  const time = { now: Date.now() };
  const folder = await dataDir(t);
  const rest = { DATA_DIR: folder, DATABASE_URL: await testDatabase(t), TRUST_PROXY: '127.0.0.1' };
  const { url, close } = await startServiceInProcess(
    t,
    { ...rest, ARGON2_MEMORY: '1024', ...env },
    { clock: () => time.now },
  );

  async function post(path: string, body: object, address: string) {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    await response.arrayBuffer();
    return [
      response.status,
      response.headers.get('ratelimit-policy') ?? response.headers.get('retry-after'),
    ] as const;
  }

  return {
    time,
    folder,
    close,
    guess: (username: string, address = '192.0.2.1') =>
      post('/auth/login', { username, password: 'a wrong guess' }, address),
    register: (username: string, address = '192.0.2.1') => {
      const account = { username, email: `${username}@example.com`, password: PASSWORD };
      return post('/auth/register', account, address);
    },
    logIn: (username: string, address = '192.0.2.1') =>
      post('/auth/login', { username, password: PASSWORD }, address),
    forget: (username: string) =>
      post('/auth/password/forgot', { email: `${username}@example.com` }, '192.0.2.1'),
  };
}

const WRONG = [401, null];

t.test('LOGIN_ACCOUNT_LIMIT limits wrong passwords of an account', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { time, guess } = await startLimited(t, { LOGIN_ACCOUNT_LIMIT: '2/30m' });
  const thrice = async () => [
    await guess('ann', '192.0.2.1'),
    await guess('ann', '192.0.2.2'),
    await guess('ann'),
  ];
  const refused = [429, '"login-account";q=2;w=1800'];
  t.same(await thrice(), [WRONG, WRONG, refused]);
  time.now += 30 * 60_000;
  t.same(await thrice(), [WRONG, WRONG, refused], 'and then the count is forgotten');
});

t.test('LOGIN_NETWORK_LIMIT limits wrong passwords from a network', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { time, guess } = await startLimited(t, { LOGIN_NETWORK_LIMIT: '2/30m' });
  const thrice = async () => [await guess('ann'), await guess('bob'), await guess('cyd')];
  const refused = [429, '"login-network";q=2;w=1800'];
  t.same(await thrice(), [WRONG, WRONG, refused]);
  t.same(await guess('cyd', '192.0.2.2'), WRONG);
  time.now += 30 * 60_000;
  t.same(await thrice(), [WRONG, WRONG, refused], 'and then the count is forgotten');
});

t.test('LOGIN_LONGEST_WAIT bounds the wait after wrong passwords', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { time, guess } = await startLimited(t, { LOGIN_ACCOUNT_LIMIT: '1/1h', LOGIN_LONGEST_WAIT: '3s' });
  t.same(await guess('ann'), WRONG);
  for (const seconds of [1, 2, 3, 3, 3]) {
    time.now += seconds * 1_000 - 1;
    t.equal((await guess('ann'))[0], 429, `not before ${seconds} seconds`);
    time.now += 1;
    t.same(await guess('ann'), WRONG);
  }
});

for (const counter of ['memory', 'Redis']) {
  t.test(`LOGIN_RATE_LIMIT and LOGIN_RATE_NETWORK_LIMIT limit logins, counted in ${counter}`, async (t) => {
    if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
    const shared = counter === 'Redis' ? { REDIS_URL: (await startPrivateRedis(t)).url } : {};
    const limits = { LOGIN_RATE_LIMIT: '2/10m', LOGIN_RATE_NETWORK_LIMIT: '3/20m' };
    const { time, register, logIn } = await startLimited(t, { ...limits, ...shared });
    for (const name of ['ann', 'bob']) await register(name);
    const right = [200, null];
    const thrice = async () => [await logIn('ann'), await logIn('Ann'), await logIn('ann')];
    const refused = [429, '"login-rate";q=2;w=600'];
    t.same(await thrice(), [right, right, refused]);
    t.same(await logIn('bob'), right);
    t.same(await logIn('bob'), [429, '"login-rate-network";q=3;w=1200']);
    t.same(await logIn('ann', '192.0.2.2'), right);
    time.now += 1_200_000;
    t.same(await thrice(), [right, right, refused]);
  });
}

t.test('REGISTER_LIMIT limits registrations from a network', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { time, register } = await startLimited(t, { REGISTER_LIMIT: '2/10m' });
  const made = [201, null];
  const refused = [429, '"registrations";q=2;w=600'];
  t.same([await register('ann'), await register('bob'), await register('cyd')], [made, made, refused]);
  t.same(await register('cyd', '192.0.2.2'), made);
  time.now += 600_000;
  t.same(await register('dan'), made);
});

t.test('PASSWORD_FORGOT_LIMIT limits mails with a reset link', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { time, folder, register, forget } = await startLimited(t, {
    PASSWORD_FORGOT_LIMIT: '1/10m',
    EMAIL_VERIFICATION: 'off',
  });
  await register('ann');
  await register('bob');
  const mails = async () =>
    (await readdir(join(folder, 'mail')).catch(() => [])).filter((name) => name.endsWith('.eml')).length;
  const waitForMails = (count: number) =>
    waitForValue(`${count} mails`, async () => ((await mails()) === count ? true : undefined));
  const accepted = [202, null];
  t.same([await forget('ann'), await forget('ann')], [accepted, accepted], 'the answer reveals nothing');
  t.same(await forget('bob'), accepted);
  t.ok(await waitForMails(2), 'one mail for each address');
  time.now += 600_000;
  t.same([await forget('ann'), await forget('ann')], [accepted, accepted]);
  t.ok(await waitForMails(3), 'and one more mail');
});
