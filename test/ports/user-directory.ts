import type { Test } from 'tap';
import type { User } from '../../src/domain/user.ts';
import { isPosition, type UserFilter } from '../../src/domain/user-directory.ts';
import type { UserDirectory } from '../../src/ports/stores/user-directory.ts';
import { NOW, someFamily } from '../support/families.ts';
import { someFactor } from './second-factors.ts';
import type { StateStores } from './user-states.ts';
import { someUser } from './users.ts';

export interface DirectoryStores extends StateStores {
  readonly userDirectory: UserDirectory;
}

type Fresh = (t: Test) => Promise<DirectoryStores>;

const userNamed = (username: string, values: Partial<User> = {}) =>
  someUser({ username, email: `${username}@example.com`, ...values });

/** The ids of the accounts of a list, read in pages of two. Rejects if a request with a position would be refused. */
async function pagesOf({ userDirectory }: DirectoryStores, filter: UserFilter): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const { users, next } = await userDirectory.list(filter, { now: NOW, limit: 2, after });
    ids.push(...users.map(({ user }) => user.id));
    if (next === null) return ids;
    if (!isPosition(filter, next)) throw new Error(`${next} is not accepted as a position.`);
    after = next;
  }
}

const sortedIds = (users: readonly User[]) => users.map(({ id }) => id).sort();

/** The contract of {@link UserDirectory}. */
export async function userDirectoryContract(t: Test, fresh: Fresh): Promise<void> {
  await t.test('an account is listed with its factors, sessions and last login', async (t) => {
    const stores = await fresh(t);
    const { users, families, secondFactors, userStates, userDirectory } = stores;
    const ann = userNamed('ann', { emailVerifiedAt: NOW, roles: ['operator'], createdAt: NOW - 5 });
    await users.create(ann, []);
    const { passwordHash, ...listed } = ann;
    const quiet = { ...listed, disabledAt: null, factors: [], sessions: 0, lastLoginAt: null };
    t.same(await userDirectory.find(ann.id, NOW), quiet);
    const [first, second, ended] = [1, 2, 3].map((createdAt) =>
      someFamily({ userId: ann.id, createdAt: NOW + createdAt }),
    );
    for (const family of [first, second, ended]) if (family !== undefined) await families.open(family, []);
    await families.revoke(ended?.tokenFamily ?? '', { at: NOW, reason: 'logout' }, []);
    const app = someFactor(ann.id);
    await secondFactors.add(app, null);
    t.same((await userDirectory.find(ann.id, NOW))?.factors, [], 'it is not confirmed');
    await secondFactors.confirm({ userId: ann.id, id: app.id, step: 1, at: NOW }, null, []);
    const active = { ...quiet, factors: ['totp'], sessions: 2, lastLoginAt: NOW + 3 };
    t.same(await userDirectory.find(ann.id, NOW), active);
    const { users: found, next } = await userDirectory.list(
      { by: 'age' },
      { now: NOW, limit: 10, after: null },
    );
    t.same(found[0]?.user, active);
    t.equal(next, null);
    t.equal(
      (await userDirectory.find(ann.id, NOW + 400 * 86_400_000))?.sessions,
      0,
      'every session has expired by then',
    );
    await userStates.disable(ann.id, NOW + 9, []);
    t.match(await userDirectory.find(ann.id, NOW), { disabledAt: NOW + 9, sessions: 0 });
    t.equal(await userDirectory.find(first?.tokenFamily ?? '', NOW), null);
  });

  await t.test(
    'all accounts are listed newest first, also accounts with the same creation time',
    async (t) => {
      const stores = await fresh(t);
      const times = ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'];
      const imported = times.flatMap((time) => [Date.parse(time), Date.parse(time)]);
      const all = [NOW, NOW, NOW, NOW + 1, NOW + 1, ...imported].map((createdAt) => someUser({ createdAt }));
      for (const user of all) await stores.users.create(user, []);
      const wanted = all
        .toSorted((one, other) => other.createdAt - one.createdAt || (other.id < one.id ? -1 : 1))
        .map(({ id }) => id);
      t.same(await pagesOf(stores, { by: 'age' }), wanted);
    },
  );

  await t.test(
    'accounts are found by the beginning of their name or address, each account once',
    async (t) => {
      const stores = await fresh(t);
      const { users } = stores;
      const [ann, anna, bob, smith] = [
        userNamed('ann'),
        userNamed('anna'),
        userNamed('bob', { email: 'annette@example.com' }),
        userNamed('mr smith'),
      ];
      for (const user of [ann, anna, bob, smith]) await users.create(user, []);
      const search = (text: string) => pagesOf(stores, { by: 'identifier', text });
      t.same(await search('ann'), [ann.id, anna.id, bob.id]);
      t.same(await search('ann@'), [ann.id]);
      t.same(await search('bob'), [bob.id]);
      t.same(await search('annette'), [bob.id]);
      t.same(await search('smith'), [], 'not the beginning');
      t.same(await search('a%'), [], 'a wildcard is a character');
      t.same(await search('a_n'), []);
      t.equal((await search('')).length, 4);
      t.same(await search('ann\u{10ffff}'), []);
    },
  );

  await t.test(
    'accounts are listed in the order of bytes, whatever the language of the database',
    async (t) => {
      const stores = await fresh(t);
      const names = ['x-1', 'x1', 'xa', 'xé', 'xz', 'x👋', 'x\uff61'];
      const all = names.map((username, index) => someUser({ username, email: `${index}@example.com` }));
      for (const user of all) await stores.users.create(user, []);
      const wanted = all.toSorted((one, other) =>
        Buffer.compare(Buffer.from(one.username), Buffer.from(other.username)),
      );
      t.same(
        await pagesOf(stores, { by: 'identifier', text: 'x' }),
        wanted.map(({ id }) => id),
      );
    },
  );

  await t.test('accounts are found by id, by disabled state and by role, in the order of ids', async (t) => {
    const stores = await fresh(t);
    const { users, userStates } = stores;
    const all = Array.from({ length: 5 }, (_, index) =>
      someUser({
        roles: index < 3 ? ['operator'] : [],
        id: `${index % 2}aaaaaaa-0000-4000-8000-00000000000${index}`,
      }),
    );
    for (const user of all) await users.create(user, []);
    for (const user of all.slice(2)) await userStates.disable(user.id, NOW, []);
    await userStates.disable('0aaaaaaa-0000-4000-8000-000000000009', NOW, []);
    t.same(await pagesOf(stores, { by: 'role' }), sortedIds(all.slice(0, 3)));
    t.same(
      await pagesOf(stores, { by: 'disabled' }),
      sortedIds(all.slice(2)),
      'an id without an account is not listed',
    );
    const last = '0aaaaaaa-ffff-ffff-ffff-ffffffffffff';
    const range = { by: 'id', first: '0aaaaaaa-0000-0000-0000-000000000000', last } as const;
    t.same(await pagesOf(stores, range), sortedIds(all.filter((_, index) => index % 2 === 0)));
  });
}
