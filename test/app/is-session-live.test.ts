import t from 'tap';
import { createRevokedFamilies } from '../../src/adapters/memory/revoked-families.ts';
import { isSessionLive } from '../../src/app/tokens/is-session-live.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import type { TokenFamilies } from '../../src/ports/stores/token-families.ts';
import { NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { POLICY } from '../support/sessions.ts';

const AGE = POLICY.accessTokenAge / 1000;

async function setUp({ complete }: { complete: boolean }) {
  const time = { now: NOW };
  const clock = () => time.now;
  const { families } = createMemoryStores();
  const revoked = createRevokedFamilies(clock);
  revoked.setComplete(complete);
  let queries = 0;
  let find = families.find;
  const counted: Pick<TokenFamilies, 'find'> = {
    find(tokenFamily) {
      queries += 1;
      return find(tokenFamily);
    },
  };
  const deps = { families: counted, revoked, policy: POLICY, clock };
  const family = someFamily();
  await families.open(family, []);
  return {
    time,
    families,
    revoked,
    family,
    queries: () => queries,
    breakDatabase() {
      find = () => Promise.reject(new StoreUnavailable('nothing', new Error('away')));
    },
    isLive: (sid = family.tokenFamily, age = AGE) => isSessionLive(deps, { sid, iat: 1000, exp: 1000 + age }),
  };
}

t.test('with a complete list of revocations the database is not queried', async (t) => {
  const { isLive, family, revoked, queries, breakDatabase } = await setUp({ complete: true });
  breakDatabase();
  t.equal(await isLive(), true);
  revoked.remember(family.tokenFamily, 'logout', NOW + 1);
  t.equal(await isLive(), false);
  t.equal(queries(), 0);
});

t.test('with an incomplete list of revocations the database is queried', async (t) => {
  const { isLive, family, families, time } = await setUp({ complete: false });
  t.equal(await isLive(), true);
  time.now = family.expiresAt - 1;
  t.equal(await isLive(), true);
  time.now = family.expiresAt;
  t.equal(await isLive(), false, 'the session is past its end');
  time.now = NOW;
  await families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
  t.equal(await isLive(), false, 'revoked');
  t.equal(await isLive('10000000-0000-4000-8000-000000000000'), false, 'unknown');
});

t.test('an unavailable database rejects the check, and never accepts the session', async (t) => {
  const { isLive, family, revoked, breakDatabase } = await setUp({ complete: false });
  breakDatabase();
  await t.rejects(isLive(), { code: 'unavailable' });
  revoked.remember(family.tokenFamily, 'logout', NOW + 1);
  t.equal(await isLive(), false, 'a remembered revocation needs no database');
});

t.test('a token with a longer lifetime than the policy gives is checked in the database', async (t) => {
  const { isLive, family, families, queries } = await setUp({ complete: true });
  await families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
  t.equal(
    await isLive(family.tokenFamily, AGE),
    true,
    'the list decides, although it did not receive the revocation',
  );
  t.equal(queries(), 0);
  t.equal(await isLive(family.tokenFamily, AGE + 1), false);
  t.equal(queries(), 1);
});
