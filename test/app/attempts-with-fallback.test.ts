import t from 'tap';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { attemptsWithFallback } from '../../src/app/attempts-with-fallback.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { Attempts } from '../../src/ports/stores/attempts.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { SILENT_LOG } from '../support/key-set.ts';

const NOW = Date.UTC(2026, 0, 2);
const SUBJECT = { account: 'ann', identifier: 'ann', network: '198.51.100.1' };

/** A store that rejects every call, as the memory of a primary that does not answer. */
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
      t.same(await attempts.begin(SUBJECT, NOW), { allowed: true });
    t.match(await attempts.begin(SUBJECT, NOW), { allowed: false }, 'all attempts are counted');
  }
  await withoutFallback.recordSuccess(SUBJECT, NOW);
  t.same(await withoutFallback.begin(SUBJECT, NOW), { allowed: true }, 'the success is counted');
  const withoutBoth = attemptsWithFallback(away, away, SILENT_LOG);
  await t.rejects(withoutBoth.begin(SUBJECT, NOW), StoreUnavailable);
  await t.rejects(withoutBoth.begin(SUBJECT, NOW), StoreUnavailable, 'during the outage');
});
