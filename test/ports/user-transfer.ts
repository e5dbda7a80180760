import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { byCommand } from '../../src/domain/audit.ts';
import type { User } from '../../src/domain/user.ts';
import type { AuditLog } from '../../src/ports/stores/audit-log.ts';
import type { ImportedUser, UserTransfer } from '../../src/ports/stores/user-transfer.ts';
import { hash, NOW, someAuditEntry, someFamily } from '../support/families.ts';
import type { StateStores } from './user-states.ts';
import { someUser } from './users.ts';

export interface TransferStores extends StateStores {
  readonly userTransfer: UserTransfer;
  readonly auditLog: AuditLog;
}

type Fresh = (t: Test) => Promise<TransferStores>;

const DAY = 86_400_000;

const importOf = (user: User, values: Partial<ImportedUser> = {}): ImportedUser => ({
  user,
  hasGivenId: true,
  passwordKind: null,
  claims: {},
  ...values,
});

/** The entry that an import records. */
export const someEntry = () => someAuditEntry('users.imported', { origin: byCommand('ann') });

/** The contract of {@link UserTransfer}. */
export function userTransferContract(t: Test, fresh: Fresh): void {
  t.test('accounts', (t) => accounts(t, fresh));
  t.test('kinds of hashes', (t) => kinds(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

async function accounts(t: Test, fresh: Fresh): Promise<void> {
  await t.test('an account is imported unchanged, and only once', async (t) => {
    const { users, userTransfer } = await fresh(t);
    const [ann, bob] = [someUser({ emailVerifiedAt: NOW }), someUser({ createdAt: 86_400_000 })];
    const batch = [importOf(ann), importOf(bob)];
    t.same(await userTransfer.store(batch, NOW, someEntry()), ['created', 'created']);
    t.same(await users.find(ann.id), ann);
    t.match(await users.findByIdentifier(bob.email), bob);
    t.same(await userTransfer.store(batch, NOW, someEntry()), ['unchanged', 'unchanged']);
    const moved = importOf({ ...ann, username: 'other', passwordHash: 'other' });
    t.same(
      await userTransfer.store([moved], NOW, someEntry()),
      ['unchanged'],
      'an account is known by its id',
    );
    t.same(await users.find(ann.id), ann);
  });

  await t.test('an account without a given id is recognized by its name and address', async (t) => {
    const { userTransfer } = await fresh(t);
    const ann = someUser();
    const again = () => importOf({ ...ann, id: randomUUID() }, { hasGivenId: false });
    t.same(await userTransfer.store([again()], NOW, someEntry()), ['created']);
    t.same(await userTransfer.store([again()], NOW, someEntry()), ['unchanged']);
    const renamed = again();
    const other = { ...renamed, user: { ...renamed.user, username: 'other' } };
    t.same(await userTransfer.store([other], NOW, someEntry()), ['taken'], 'the address alone is not enough');
    const named = { ...renamed, user: { ...renamed.user, username: ann.email } };
    t.same(
      await userTransfer.store([named], NOW, someEntry()),
      ['taken'],
      'an address that is also the imported name is not enough',
    );
  });

  await t.test('a name or address of another account is refused as taken, also within a batch', async (t) => {
    const { users, userTransfer } = await fresh(t);
    const ann = someUser();
    await users.create(ann, []);
    const [bob, bob2] = [someUser(), someUser()];
    const batch = [
      importOf(someUser({ email: ann.email.toUpperCase() })),
      importOf(bob),
      importOf({ ...bob2, username: bob.username }),
    ];
    t.same(await userTransfer.store(batch, NOW, someEntry()), ['taken', 'created', 'taken']);
    t.equal(await users.findByIdentifier(bob2.email), null);
    t.equal((await userTransfer.list(null, 10)).length, 2);
  });

  await t.test('a reserved address is taken until its time is over', async (t) => {
    const { users, emailChanges, userTransfer } = await fresh(t);
    const ann = someUser({ emailVerifiedAt: NOW });
    await users.create(ann, []);
    const [change, undo] = [hash(), hash()];
    const link = { userId: ann.id, expiresAt: NOW + DAY };
    const links = {
      change: { ...link, hashedToken: change, purpose: 'change' as const, email: 'new@example.com' },
      undo: { ...link, hashedToken: undo, purpose: 'undo' as const, email: ann.email },
    };
    await emailChanges.request(links, null, []);
    await emailChanges.apply(change, { at: NOW, reservedUntil: NOW + DAY }, []);
    const former = importOf({ ...ann, id: randomUUID() }, { hasGivenId: false });
    t.same(await userTransfer.store([former], NOW, someEntry()), ['taken'], 'even for its former holder');
    const claimant = importOf(someUser({ email: ann.email }));
    t.same(await userTransfer.store([claimant], NOW, someEntry()), ['taken']);
    t.same(await userTransfer.store([claimant], NOW + DAY, someEntry()), ['created']);
  });

  await t.test(
    'claims are imported with the account, and existing sessions of its id get them',
    async (t) => {
      const { families, userStates, userTransfer } = await fresh(t);
      const claims = { plan: 'paid', team: { id: 7 } };
      const [ann, bob, cid] = [someUser(), someUser(), someUser()];
      const family = someFamily({ userId: ann.id, sessionClaims: { plan: 'trial' } });
      await families.open(family, []);
      await userStates.setClaims(bob.id, { team: 'blue' }, []);
      const batch = [importOf(ann, { claims }), importOf(bob, { claims }), importOf(cid)];
      await userTransfer.store(batch, NOW, someEntry());
      t.same((await families.find(family.tokenFamily))?.nextClaims, { ...claims, plan: 'trial' });
      const listed = new Map((await userTransfer.list(null, 10)).map((one) => [one.user.id, one.claims]));
      t.same(listed.get(ann.id), claims);
      t.same(listed.get(bob.id), { team: 'blue' }, 'an operator decided before');
      t.same(listed.get(cid.id), {});
      await userTransfer.store([importOf(ann, { claims: { plan: 'other' } })], NOW, someEntry());
      t.same((await userStates.find(ann.id)).claims, claims, 'no second import changes them');
    },
  );

  await t.test('a batch that creates accounts is recorded once, with their number', async (t) => {
    const { userTransfer, auditLog } = await fresh(t);
    const batch = [importOf(someUser()), importOf(someUser())];
    await userTransfer.store(batch, NOW, someEntry());
    await userTransfer.store(batch, NOW, someEntry());
    await userTransfer.store([...batch, importOf(someUser())], NOW, someEntry());
    const { events } = await auditLog.list({ types: ['users.imported'] }, { limit: 10, after: null });
    t.same(
      events.map(({ data }) => data).sort((one, other) => Number(one.created) - Number(other.created)),
      [{ created: 1 }, { created: 2 }],
    );
    t.match(events[0], { userId: null, origin: { actor: { kind: 'operator', name: 'command of ann' } } });
  });

  await t.test('accounts are listed in the order of their ids, page by page', async (t) => {
    const { userTransfer } = await fresh(t);
    const all = [someUser(), someUser(), someUser()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
    await userTransfer.store(
      all.map((user) => importOf(user)),
      NOW,
      someEntry(),
    );
    const first = await userTransfer.list(null, 2);
    const wanted = all.map((user) => ({ user, claims: {} }));
    t.same(first, wanted.slice(0, 2));
    t.same(await userTransfer.list(first[1]?.user.id ?? '', 2), wanted.slice(2));
  });
}

async function kinds(t: Test, fresh: Fresh): Promise<void> {
  await t.test('the slowest kind in use counts only hashes that were not replaced', async (t) => {
    const { users, userTransfer } = await fresh(t);
    t.equal(await userTransfer.slowestKind(), 0);
    await userTransfer.recordKind({ name: 'slow', milliseconds: 250 });
    await userTransfer.recordKind({ name: 'fast', milliseconds: 20 });
    t.equal(await userTransfer.slowestKind(), 0, 'recorded, but not in use');
    const [ann, bob, none] = [someUser(), someUser(), someUser()];
    const batch = [
      importOf(ann, { passwordKind: 'slow' }),
      importOf(bob, { passwordKind: 'fast' }),
      importOf(none),
    ];
    await userTransfer.store(batch, NOW, someEntry());
    t.equal(await userTransfer.slowestKind(), 250);
    await users.rehash(ann.id, ann.passwordHash, 'a new hash');
    t.equal(await userTransfer.slowestKind(), 20);
    const removal = { at: NOW, reason: 'account_deleted' as const };
    await users.remove(bob.id, null, removal, []);
    t.equal(await userTransfer.slowestKind(), 0);
  });

  await t.test('if a kind was measured twice, the longer time counts', async (t) => {
    const { userTransfer } = await fresh(t);
    for (const milliseconds of [20, 30, 10]) await userTransfer.recordKind({ name: 'kind', milliseconds });
    await userTransfer.store([importOf(someUser(), { passwordKind: 'kind' })], NOW, someEntry());
    t.equal(await userTransfer.slowestKind(), 30);
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('imports and registrations at the same moment create each account once', async (t) => {
    const { users, userTransfer } = await fresh(t);
    const all = Array.from({ length: 20 }, () => someUser());
    const rivals = all.slice(5, 15).map((user) => ({ ...user, id: randomUUID() }));
    const batch = all.map((user) => importOf(user));
    const [one, other, registered] = await Promise.all([
      userTransfer.store(batch, NOW, someEntry()),
      userTransfer.store(batch, NOW, someEntry()),
      Promise.all(rivals.map((user) => users.create(user, []))),
    ]);
    for (const index of all.keys()) {
      const isRegistered = registered[index - 5] ?? false;
      const verdicts = [one[index], other[index]].toSorted();
      t.same(verdicts, isRegistered ? ['taken', 'taken'] : ['created', 'unchanged']);
    }
    t.equal((await userTransfer.list(null, 100)).length, all.length);
  });
}
