import t from 'tap';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { attemptsWithFallback } from '../../src/app/attempts-with-fallback.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { Attempts } from '../../src/ports/stores/attempts.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { SILENT_LOG } from '../support/key-set.ts';

const NOW = Date.UTC(2026, 0, 2);
const SUBJECT = { account: 'ann', identifier: 'ann', network: '198.51.100.1' };

/** A store that rejects every call. */
const away = new Proxy({} as Attempts, {
  get: () => async () => {
    throw new StoreUnavailable('unknown', new Error('away'));
  },
});

t.test('an attempt is counted by one of two stores while the other one is unavailable', async (t) => {
  const withoutFallback = attemptsWithFallback(createMemoryAttempts(), away, SILENT_LOG);
  const withoutPrimary = attemptsWithFallback(away, createMemoryAttempts(), SILENT_LOG);
  for (const attempts of [withoutFallback, withoutPrimary]) {
    for (let failure = 0; failure < ATTEMPT_POLICY.account.free; failure += 1)
      t.ok((await attempts.begin(SUBJECT, NOW)).allowed);
    t.match(await attempts.begin(SUBJECT, NOW), { allowed: false }, 'all attempts are counted');
  }
  await withoutFallback.recordSuccess(SUBJECT, NOW, { allowed: true, raised: 'shared' });
  t.ok((await withoutFallback.begin(SUBJECT, NOW)).allowed, 'the success is counted');
  const withoutBoth = attemptsWithFallback(away, away, SILENT_LOG);
  await t.rejects(withoutBoth.begin(SUBJECT, NOW), StoreUnavailable);
  await t.rejects(withoutBoth.begin(SUBJECT, NOW), StoreUnavailable, 'during the outage');
});

t.test('a success takes back from each store what the attempt raised there', async (t) => {
  const { free } = ATTEMPT_POLICY.account;
  const stranger = { ...SUBJECT, network: '203.0.113.9' };
  const countAllowed = async (attempts: Attempts) => {
    let count = 0;
    for (let n = 0; n < 2 * free; n += 1) if ((await attempts.begin(stranger, NOW)).allowed) count += 1;
    return count;
  };
  for (const isKnownToPrimary of [true, false]) {
    const [primary, fallback] = [createMemoryAttempts(), createMemoryAttempts()];
    const first = isKnownToPrimary ? primary : fallback;
    await first.recordSuccess(SUBJECT, NOW, { allowed: true, raised: null });
    for (const store of [primary, fallback])
      for (let failure = 1; failure < free; failure += 1) await store.begin(stranger, NOW);
    const both = attemptsWithFallback(primary, fallback, SILENT_LOG);
    const login = await both.begin(SUBJECT, NOW);
    if (!login.allowed) throw new Error('the login must be allowed');
    await both.recordSuccess(SUBJECT, NOW, login);
    t.equal(await countAllowed(primary), 1, 'the primary store');
    t.equal(await countAllowed(fallback), 1, 'the fallback');
  }
});
