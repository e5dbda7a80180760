import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { PASSWORD } from '../support/passwords.ts';
import { waitUntil } from '../support/wait-until.ts';

const OWNED = 'owner@example.com';

type Stores = ReturnType<typeof createMemoryStores>;

/** Another request takes the identifier after the search for it, so only the change itself is refused. */
const takenLate = ({ emailChanges }: Stores) => ({
  emailChanges: { ...emailChanges, isTaken: async () => false },
});

/** Starts a service with the account `taken`. */
async function start(t: Test, replacedStores: (stores: Stores) => Partial<Stores> = () => ({})) {
  const stores = createMemoryStores();
  const service = await startHttpService(t, {
    emailVerification: 'optional',
    stores: { ...stores, ...replacedStores(stores) },
  });
  const { post, send, adminKey, outbox, time } = service;
  const asOperator = { 'x-api-key': adminKey, 'content-type': 'application/json' };
  const register = async (username: string, email = `${username}@example.com`) =>
    (await post('/auth/register', { username, email, password: PASSWORD })).status;
  await register('taken');
  return {
    ...service,
    register,
    create: (body: object) => post('/admin/users', body, asOperator),
    patch: async (id: unknown, body: object) =>
      (await send(`/admin/users/${id}`, { method: 'PATCH', headers: asOperator, body: JSON.stringify(body) }))
        .status,
    /** Logs in, and returns a function that requests a change of the address. */
    async changerOf(username: string) {
      const { body } = await post('/auth/login', { username, password: PASSWORD });
      const bearer = { authorization: `Bearer ${body.access}` };
      return async (email: string) =>
        (await post('/auth/email', { email, password: PASSWORD }, bearer)).status;
    },
    /** The number of links that were mailed to the address of the owner since the last call. */
    async countLinks(): Promise<number> {
      const mails = await outbox.claim('mail', time.now, Number.MAX_SAFE_INTEGER, 100);
      return mails.filter(({ event: { data } }) => 'linkId' in data && data.email === OWNED).length;
    },
  };
}

for (const [conflict, stores] of [
  ['found before the change', undefined],
  ['found only by the change', takenLate],
] as const) {
  t.test(`a registration with a conflict ${conflict} uses up no link`, async (t) => {
    const { register, countLinks } = await start(t, stores);
    for (let n = 0; n < 3; n += 1) t.equal(await register('taken', OWNED), 409);
    t.equal(await register('owner', OWNED), 201);
    t.equal(await countLinks(), 1, 'the owner of the address gets a link');
  });

  t.test(`a new account of an operator, with a conflict ${conflict}, uses up no link`, async (t) => {
    const { create, register, countLinks } = await start(t, stores);
    const account = { username: 'taken', email: OWNED, password: PASSWORD };
    for (let n = 0; n < 3; n += 1) t.equal((await create(account)).status, 409);
    t.equal(await register('owner', OWNED), 201);
    t.equal(await countLinks(), 1, 'the owner of the address gets a link');
  });

  t.test(`an invitation with a conflict ${conflict} does not count`, async (t) => {
    const { create } = await start(t, stores);
    for (let n = 0; n < 3; n += 1) t.equal((await create({ username: 'taken', email: OWNED })).status, 409);
    t.equal((await create({ username: 'owner', email: OWNED })).status, 201);
  });
}

t.test('a refused change of an account by an operator uses up no link of the new address', async (t) => {
  const { create, patch, register, countLinks } = await start(t);
  const { body } = await create({ username: 'mover', email: 'mover@example.com', password: PASSWORD });
  for (let n = 0; n < 3; n += 1) t.equal(await patch(body.id, { username: 'taken', email: OWNED }), 409);
  t.equal(await register('owner', OWNED), 201);
  t.equal(await countLinks(), 1, 'the owner of the address gets a link');
});

t.test('a refused change of the address uses up no link of the account that has the address', async (t) => {
  const { register, changerOf, post, countLinks } = await start(t);
  await register('owner', OWNED);
  const change = await changerOf('taken');
  for (let n = 0; n < 3; n += 1) t.equal(await change(OWNED), 409);
  t.equal(await change(OWNED), 429, 'three requests a day, so that an account cannot search for addresses');
  t.equal(await countLinks(), 1, 'the link of the registration');
  await post('/auth/email/verification', { email: OWNED });
  await waitUntil(async () => (await countLinks()) === 1);
});

t.test('a change of the address that is not recorded uses up no link of the new address', async (t) => {
  const { register, changerOf, countLinks } = await start(t, ({ emailChanges }) => ({
    emailChanges: { ...emailChanges, request: async () => false },
  }));
  const change = await changerOf('taken');
  for (let n = 0; n < 3; n += 1) t.equal(await change(OWNED), 503);
  t.equal(await register('owner', OWNED), 201);
  t.equal(await countLinks(), 1, 'the owner of the address gets a link');
});
