import t from 'tap';
import { schemaFaults } from '../../support/event-schema.ts';
import { startHttpService } from '../../support/http.ts';
import { PASSWORD } from '../../support/passwords.ts';

const ADDRESS = 'victim@example.com';

t.test('no event, and no answer to another user, names a user by an unverified address', async (t) => {
  const { post, send, outbox, time } = await startHttpService(t);
  const registerAndLogIn = async (username: string, email: string) => {
    const { id } = (await post('/auth/register', { username, email, password: PASSWORD })).body;
    const { access } = (await post('/auth/login', { username, password: PASSWORD })).body;
    const get = (path: string) => send(path, { headers: { authorization: `Bearer ${access}` } });
    return { id: String(id), get };
  };
  const named = await registerAndLogIn('ann', 'ann@example.com');
  time.now += 1_000;
  const posing = await registerAndLogIn(ADDRESS, ADDRESS);

  const me = (await posing.get('/auth/me')).body;
  t.match(me, { username: ADDRESS, email: ADDRESS, emailVerified: false }, 'users see their own name');

  const created = (await outbox.claim('event', time.now, time.now, 10))
    .map(({ event }) => event)
    .filter(({ type }) => type === 'users.created')
    .map(({ data }) => data);
  t.same(created, [
    { userId: named.id, emailVerified: false, username: 'ann' },
    { userId: posing.id, emailVerified: false },
  ]);

  const list = (await named.get('/api/v1/users/')).body;
  t.same(list, [
    { id: posing.id, tasks: [] },
    { id: named.id, username: 'ann', tasks: [] },
  ]);
  t.same((await named.get(`/api/v1/users/${posing.id}/`)).body, { id: posing.id, tasks: [] });
  const own = { id: posing.id, username: ADDRESS, tasks: [] };
  t.same((await posing.get(`/api/v1/users/${posing.id}/`)).body, own);
  t.same((await posing.get('/api/v1/users/')).body, [own, { id: named.id, username: 'ann', tasks: [] }]);
});

t.test('the schema of events requires emailVerified to be a boolean', (t) => {
  const event = (data: object) => ({
    specversion: '1.0',
    id: '0b7c9a52-6d6e-4d0e-9f0b-1c9c4f6f5c55',
    source: 'https://auth.example.com',
    type: 'users.created',
    time: '2026-01-02T03:04:05.678Z',
    subject: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11',
    datacontenttype: 'application/json',
    data: { userId: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11', ...data },
  });
  t.same(schemaFaults(event({ emailVerified: false })), []);
  t.same(schemaFaults(event({ emailVerified: false, username: 'ann' })), []);
  t.not(schemaFaults(event({ emailVerified: 'no' })).length, 0);
  t.end();
});
