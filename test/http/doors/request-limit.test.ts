import t, { type Test } from 'tap';
import { type HttpOverrides, startHttpService } from '../../support/http.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { taskClient } from '../../support/task-api.ts';

const MINUTE = 60_000;

async function startLimited(t: Test, rateLimit: number, http: HttpOverrides = {}) {
  const service = await startHttpService(t, { http: { rateLimit, ...http } });
  return { ...service, client: taskClient(service.url) };
}

t.test('the requests of a user are limited per minute, counted over all addresses', async (t) => {
  const { client, time } = await startLimited(t, 3);
  const { ask } = await client.registerAndLogIn('ann');
  const list = () => ask('GET', '/api/v1/tasks/');
  const readRemaining = async () => {
    const { status, headers } = await list();
    t.equal(headers.get('ratelimit-limit'), '3');
    return [status, headers.get('ratelimit-remaining')];
  };
  t.same(await readRemaining(), [200, '2']);
  time.now += MINUTE / 2;
  t.same(
    [await readRemaining(), await readRemaining()],
    [
      [200, '1'],
      [200, '0'],
    ],
  );
  const refused = await list();
  t.match(refused, { status: 429, body: { code: 'too_many_requests', recovery: 'retry' } });
  t.equal(refused.headers.get('content-type'), 'application/problem+json');
  t.equal(refused.headers.get('retry-after'), '30', 'when the first request is a minute old');
  t.equal(refused.headers.get('ratelimit-remaining'), '0');
  t.equal(refused.headers.get('ratelimit-reset'), '30');
  t.equal(refused.headers.get('ratelimit-policy'), '"requests";q=3;w=60');
  t.equal(refused.headers.get('ratelimit'), '"requests";r=0;t=30');
  time.now += MINUTE / 2;
  t.same(
    await readRemaining(),
    [200, '0'],
    'one request is allowed, because the other two are less than a minute old',
  );
  t.equal((await list()).status, 429);
});

t.test('users and anonymous networks have separate limits', async (t) => {
  const { client, time } = await startLimited(t, 4);
  const [ann, bob] = [await client.registerAndLogIn('ann'), await client.registerAndLogIn('bob')];
  for (const { ask } of [ann, bob]) {
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await ask('GET', '/api/v1/users/')).status);
    t.same(statuses, [200, 200, 200, 200, 429]);
  }
  time.now += MINUTE;
  const credentials = { username: 'ann', password: PASSWORD };
  for (let n = 0; n < 4; n += 1)
    t.equal((await client.ask('POST', '/api/v1/login/', credentials)).status, 200);
  t.equal((await client.ask('POST', '/api/v1/login/', credentials)).status, 429);
  t.equal((await ann.ask('GET', '/api/v1/tasks/')).status, 200);
});

t.test('a request without a valid token counts toward the limit of its network', async (t) => {
  const { send } = await startLimited(t, 3, { trustProxy: ['127.0.0.1'] });
  const ask = async (address: string, token = 'Token x.y.z') => {
    const headers = { authorization: token, 'x-forwarded-for': address };
    return (await send('/api/v1/tasks/', { headers })).status;
  };
  const addresses = ['2001:db8:1:1::1', '2001:db8:1:1::2', '2001:DB8:1:1:ffff::3'];
  for (const address of addresses) t.equal(await ask(address), 401);
  t.equal(await ask('2001:db8:1:1::4'), 429, 'the same /64');
  t.equal(await ask('2001:db8:1:2::1'), 401);
  for (let n = 0; n < 3; n += 1) t.equal(await ask('192.0.2.1', `Token ${n}`), 401);
  t.equal(await ask('::ffff:192.0.2.1', ''), 429);
});

t.test('other doors and unknown routes are not limited', async (t) => {
  const { send } = await startLimited(t, 1);
  for (let n = 0; n < 3; n += 1) {
    t.equal((await send('/auth/me')).status, 401);
    t.equal((await send('/api/v1/nothing/')).status, 404);
  }
});

t.test('the routes of a front door that is not configured answer 404', async (t) => {
  const { send } = await startLimited(t, 1, { frontDoors: [] });
  t.equal((await send('/api/v1/tasks/')).status, 404);
  const { body } = await send('/docs/json');
  t.notMatch(JSON.stringify(body), 'task-api');
  t.notOk(Object.keys(body.paths as object).some((path) => path.startsWith('/api/v1')));
});
