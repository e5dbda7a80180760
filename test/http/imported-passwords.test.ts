import { hash } from '@node-rs/bcrypt';
import t from 'tap';
import { NO_PASSWORD } from '../../src/domain/imported-user.ts';
import { someEntry } from '../ports/user-transfer.ts';
import { someUser } from '../ports/users.ts';
import { FOREIGN_HASHES, FOREIGN_PASSWORD } from '../support/foreign-hashes.ts';
import { type HttpService, startHttpService } from '../support/http.ts';

const ann = { username: 'ann', password: FOREIGN_PASSWORD };
const bearer = (body: Record<string, unknown>) => ({ authorization: `Bearer ${body.access}` });

async function importAnn({ userTransfer, time }: HttpService, passwordHash: string) {
  await userTransfer.recordKind({ name: 'kind', milliseconds: 1 });
  const user = someUser({ username: 'ann', email: 'ann@example.com', passwordHash });
  await userTransfer.store(
    [{ user, hasGivenId: true, passwordKind: 'kind', claims: {} }],
    time.now,
    someEntry(),
  );
  return user;
}

for (const [system, foreign] of Object.entries(FOREIGN_HASHES))
  t.test(`the first login replaces a hash of ${system} by argon2id`, async (t) => {
    const service = await startHttpService(t);
    const { id } = await importAnn(service, foreign);
    const wrong = await service.post('/auth/login', { ...ann, password: 'another piano 42' });
    t.match(wrong, { status: 401, body: { code: 'invalid_credentials' } });
    t.equal((await service.users.find(id))?.passwordHash, foreign, 'a wrong password replaces nothing');
    t.equal((await service.post('/auth/login', ann)).status, 200);
    t.match((await service.users.find(id))?.passwordHash, /^\$argon2id\$/);
    t.equal(await service.userTransfer.slowestKind(), 0, 'the kind is no longer in use');
    t.equal((await service.post('/auth/login', ann)).status, 200);
  });

t.test('three right logins at the same moment all succeed', async (t) => {
  const service = await startHttpService(t);
  await importAnn(service, FOREIGN_HASHES.bcrypt);
  const logins = await Promise.all([1, 2, 3].map(() => service.post('/auth/login', ann)));
  t.same(
    logins.map(({ status }) => status),
    [200, 200, 200],
  );
});

t.test(
  'of two passwords that differ only after 72 bytes, only the password of the first login is accepted later',
  async (t) => {
    const service = await startHttpService(t);
    const start = 'violet piano '.repeat(6);
    const [one, other] = [`${start}one`, `${start}two`];
    await importAnn(service, await hash(one, 4));
    t.equal((await service.post('/auth/login', { ...ann, password: one })).status, 200);
    t.equal((await service.post('/auth/login', { ...ann, password: other })).status, 401);
    t.equal((await service.post('/auth/login', { ...ann, password: one })).status, 200);
  },
);

t.test('an account without a password is refused like an unknown user', async (t) => {
  const service = await startHttpService(t);
  await importAnn(service, NO_PASSWORD);
  const unknown = await service.post('/auth/login', { ...ann, username: 'bob' });
  for (const password of [FOREIGN_PASSWORD, NO_PASSWORD]) {
    const answer = await service.post('/auth/login', { ...ann, password });
    t.match(answer, { status: 401, body: { ...unknown.body, instance: answer.body.instance } });
  }
});

t.test('an imported user changes the password that the other system had stored', async (t) => {
  const service = await startHttpService(t);
  await importAnn(service, FOREIGN_HASHES.django);
  const { body } = await service.post('/auth/login', ann);
  const change = { currentPassword: FOREIGN_PASSWORD, newPassword: 'a yellow harp 43' };
  t.equal((await service.post('/auth/password', change, bearer(body))).status, 204);
  t.equal((await service.post('/auth/login', { ...ann, password: change.newPassword })).status, 200);
});
