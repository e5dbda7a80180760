import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { AccountPageSessions } from '../../src/ports/stores/account-page-sessions.ts';
import type { StepUp } from '../../src/ports/stores/token-families.ts';
import { hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';
import { someUser, type UserStores } from './users.ts';

export interface PageStores extends Stores, Pick<UserStores, 'users'> {
  readonly accountPageSessions: AccountPageSessions;
}

type PageStepUp = StepUp & { readonly hashedCookie: string };

type Fresh = (t: Test) => Promise<PageStores>;

const MINUTE = 60_000;
const IDLE_UNTIL = NOW + 30 * MINUTE;

async function openPageSession(stores: PageStores, values: Partial<TokenFamily> = {}) {
  const family = someFamily({ refreshExpiresAt: IDLE_UNTIL, ...values });
  const hashedToken = hash();
  await stores.families.open(family, []);
  await stores.accountPageSessions.addCookie({ hashedToken, tokenFamily: family.tokenFamily });
  return { ...stores, family, hashedToken };
}

/** The contract of {@link AccountPageSessions}. */
export function accountPageSessionsContract(t: Test, fresh: Fresh): void {
  t.test('lifetime', (t) => lifetime(t, fresh));
  t.test('step-up', (t) => stepUps(t, fresh));
  t.test('end', (t) => endings(t, fresh));
  t.end();
}

async function stepUps(t: Test, fresh: Fresh): Promise<void> {
  const openForStepUp = async (t: Test) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    const page = await openPageSession(stores, { userId: user.id });
    const stepUpOf = (family: TokenFamily, passwordHash = user.passwordHash): PageStepUp => ({
      ...rotationOf(family),
      authentication: { authTime: NOW, amr: ['pwd'], acr: 'aal1', generation: family.generation + 1 },
      proof: { kind: 'password', passwordHash },
      hashedCookie: hash(),
    });
    return { ...page, pages: page.accountPageSessions, user, stepUpOf };
  };

  await t.test('a session that is stepped up is found by its new cookie alone', async (t) => {
    const { pages, families, family, hashedToken, stepUpOf, ...stores } = await openForStepUp(t);
    const other = await openPageSession({ ...stores, families, accountPageSessions: pages });
    const change = stepUpOf(family);
    const steppedUp = await families.stepUp(change, []);
    t.same(steppedUp, { ...family, ...change.next, authentication: change.authentication });
    t.equal(await pages.find([hashedToken], NOW), null);
    t.same(await pages.find([change.hashedCookie], NOW), steppedUp);
    t.same(await pages.find([other.hashedToken], NOW), other.family, 'another session keeps its cookie');
  });

  await t.test('a refused step-up replaces no cookie', async (t) => {
    const { pages, families, family, hashedToken, stepUpOf } = await openForStepUp(t);
    const change = stepUpOf(family, 'another hash');
    t.equal(await families.stepUp(change, []), null);
    t.same(await pages.find([hashedToken], NOW), family);
    t.equal(await pages.find([change.hashedCookie], NOW), null);
  });

  await t.test('a family that is not the session of a page is not stepped up with a cookie', async (t) => {
    const { pages, families, user, stepUpOf } = await openForStepUp(t);
    const ofNoPage = someFamily({ userId: user.id });
    await families.open(ofNoPage, []);
    const change = stepUpOf(ofNoPage);
    t.equal(await families.stepUp(change, []), null);
    t.same(await families.find(ofNoPage.tokenFamily), ofNoPage);
    t.equal(await pages.find([change.hashedCookie], NOW), null);
  });
}

async function lifetime(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a cookie is found by any of its hashes until the session is idle', async (t) => {
    const { accountPageSessions: pages, family, hashedToken } = await openPageSession(await fresh(t));
    t.same(await pages.find([hashedToken], NOW), family);
    t.same(await pages.find([hash(), hashedToken], IDLE_UNTIL - 1), family);
    t.equal(await pages.find([hashedToken], IDLE_UNTIL), null);
    t.equal(await pages.find([hash()], NOW), null, 'another cookie');
  });

  await t.test('a use moves the idle expiry forward, and never backward', async (t) => {
    const {
      accountPageSessions: pages,
      families,
      family,
      hashedToken,
    } = await openPageSession(await fresh(t));
    const { tokenFamily } = family;
    t.equal(await pages.keepAlive(tokenFamily, NOW + MINUTE, IDLE_UNTIL + MINUTE), true);
    const used = { ...family, rotatedAt: NOW + MINUTE, refreshExpiresAt: IDLE_UNTIL + MINUTE };
    t.same(await pages.find([hashedToken], IDLE_UNTIL), used);
    t.equal(await pages.keepAlive(tokenFamily, NOW, IDLE_UNTIL), true, 'by a clock that is behind');
    t.same(await families.find(tokenFamily), used);
  });

  await t.test('a use revives neither an idle session nor a session whose family has ended', async (t) => {
    const stores = await fresh(t);
    const idle = await openPageSession(stores);
    t.equal(await stores.accountPageSessions.keepAlive(idle.family.tokenFamily, IDLE_UNTIL, NOW * 2), false);
    t.same(await stores.families.find(idle.family.tokenFamily), idle.family);
    const ended = await openPageSession(stores, { expiresAt: NOW + MINUTE });
    t.equal(await stores.accountPageSessions.find([ended.hashedToken], NOW + MINUTE), null);
    t.equal(
      await stores.accountPageSessions.keepAlive(ended.family.tokenFamily, NOW + MINUTE, NOW * 2),
      false,
    );
  });

  await t.test('a session without a cookie of the account pages is not kept alive', async (t) => {
    const { accountPageSessions: pages, families } = await fresh(t);
    const family = someFamily();
    await families.open(family, []);
    t.equal(await pages.keepAlive(family.tokenFamily, NOW + MINUTE, NOW + 90 * MINUTE), false);
    t.same(await families.find(family.tokenFamily), family);
  });

  await t.test(
    'no cookie is stored for an unknown family, a family has one cookie at most, and a cookie one family',
    async (t) => {
      const stores = await fresh(t);
      const { accountPageSessions: pages } = stores;
      await t.rejects(pages.addCookie({ hashedToken: hash(), tokenFamily: randomUUID() }));
      const { family, hashedToken } = await openPageSession(stores);
      await t.rejects(pages.addCookie({ hashedToken: hash(), tokenFamily: family.tokenFamily }));
      await pages.addCookie({ hashedToken, tokenFamily: family.tokenFamily });
      const other = someFamily();
      await stores.families.open(other, []);
      await t.rejects(pages.addCookie({ hashedToken, tokenFamily: other.tokenFamily }));
      t.same(await pages.find([hashedToken], NOW), family);
    },
  );
}

async function endings(t: Test, fresh: Fresh): Promise<void> {
  const at = NOW + 1_000;

  await t.test('the end of one session or of all sessions ends the session of the page', async (t) => {
    const stores = await fresh(t);
    const one = await openPageSession(stores);
    await stores.families.revoke(one.family.tokenFamily, { at, reason: 'logout' }, []);
    const all = await openPageSession(stores);
    await stores.families.revokeAll(all.family.userId, {
      at,
      reason: 'logout',
      except: null,
      origin: SYSTEM,
    });
    for (const { family, hashedToken } of [one, all]) {
      t.equal(await stores.accountPageSessions.find([hashedToken], at), null);
      t.equal(await stores.accountPageSessions.keepAlive(family.tokenFamily, at, IDLE_UNTIL), false);
    }
  });

  await t.test('a new password or the removal of the account ends the session of the page', async (t) => {
    const stores = await fresh(t);
    for (const change of ['changePassword', 'remove'] as const) {
      const user = someUser();
      await stores.users.create(user, []);
      const { hashedToken } = await openPageSession(stores, { userId: user.id });
      if (change === 'remove')
        await stores.users.remove(user.id, null, { at, reason: 'account_deleted' }, []);
      else await stores.users.changePassword(user.id, null, { passwordHash: 'new', except: null, at }, []);
      t.equal(await stores.accountPageSessions.find([hashedToken], at), null, change);
    }
  });

  await t.test('the purge of the family removes the cookie', async (t) => {
    const stores = await fresh(t);
    const { family, hashedToken } = await openPageSession(stores, { expiresAt: NOW });
    t.equal(await stores.families.purge(NOW + 1, 10), 1);
    t.equal(await stores.accountPageSessions.find([hashedToken], NOW - MINUTE), null);
    t.equal(await stores.families.find(family.tokenFamily), null);
  });

  await t.test(
    'a use that is concurrent with the end of its session never revives the session',
    async (t) => {
      const stores = await fresh(t);
      for (let round = 0; round < 20; round += 1) {
        const { family, hashedToken } = await openPageSession(stores);
        await Promise.all([
          stores.accountPageSessions.keepAlive(family.tokenFamily, at, IDLE_UNTIL + MINUTE),
          stores.families.revoke(family.tokenFamily, { at, reason: 'logout' }, []),
        ]);
        t.equal(await stores.accountPageSessions.find([hashedToken], at), null);
      }
    },
  );
}
