import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { createRedisAttempts } from '../../src/adapters/redis/attempts.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import type { AttemptPolicy } from '../../src/domain/attempts.ts';
import type { AllowedAttempt, AttemptSubject, Attempts } from '../../src/ports/stores/attempts.ts';
import { attemptsContract } from '../ports/attempts.ts';
import { NOW } from '../support/families.ts';
import { SILENT_LOG } from '../support/key-set.ts';
import { requireRedis, testPrefix } from '../support/redis.ts';
import { throughPrimary } from '../support/through-primary.ts';

/** A login whose attempt raised no count. */
const UNCOUNTED = { allowed: true, raised: null } as const;
const ANN = { account: 'ann@example.com', identifier: 'ann@example.com', network: '192.0.2.1' };

t.test('attempts in memory', async (t) => attemptsContract(t, async () => createMemoryAttempts()));

t.test('attempts of workers', async (t) => attemptsContract(t, async () => throughPrimary().attempts));

t.test('attempts in memory store no name, so that long names do not fill the memory', async (t) => {
  const attempts = createMemoryAttempts();
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  for (let index = 0; index < 5_000; index += 1) {
    const name = `${index} ${'\ufdfa'.repeat(10_000)}`;
    await attempts.begin(
      {
        account: 'x',
        identifier: Buffer.from(name).toString(),
        network: `10.0.${index >> 8}.${index & 255}`,
      },
      NOW,
    );
    await attempts.countAction(`reset ${name}`, { count: 3, perMilliseconds: 60_000 }, NOW);
  }
  const grown = heap() - before;
  t.ok(grown < 20_000_000, `grown by ${grown} bytes; the names have 100 million`);
  t.ok((await attempts.begin(ANN, NOW)).allowed);
});

t.test('windows of one action never evict a window of another action', async (t) => {
  const attempts = createMemoryAttempts({ maxEntries: 10 });
  const limit = { count: 2, perMilliseconds: 60_000 };
  await attempts.countAction('register 192.0.2.1', limit, NOW);
  for (let n = 0; n < 20; n += 1) await attempts.countAction(`login user-${n} 192.0.2.1`, limit, NOW);
  t.equal((await attempts.countAction('register 192.0.2.1', limit, NOW)).remaining, 0);
});

t.test('attempts in Redis', async (t) => {
  const url = await requireRedis(t);
  if (url === null) return;
  const redis = await connectRedis(url, SILENT_LOG);
  t.teardown(() => redis.disconnect());
  const fresh = async (t: Test) => createRedisAttempts(redis, { prefix: testPrefix(t, redis) });

  await t.test('keep the contract', async (t) => attemptsContract(t, fresh));

  await t.test('expire, and contain no name and no address', async (t) => {
    const prefix = testPrefix(t, redis);
    const attempts = createRedisAttempts(redis, { prefix });
    await carryOut(attempts, [], { kind: 'log in', subject: ANN }, NOW);
    await attempts.begin(ANN, NOW);
    await attempts.begin({ ...ANN, network: '198.51.100.66' }, NOW);
    await attempts.countAction('register 192.0.2.1', { count: 2, perMilliseconds: 60_000 }, NOW);
    const keys = await redis.keys(`${prefix}*`);
    t.same(keys.map((key) => key.split(':')[1]).sort(), ['account', 'known', 'network', 'pair', 'window']);
    for (const key of keys) {
      t.ok((await redis.pttl(key)) > 0, `${key} expires`);
      const content = key.includes('known') ? await redis.zrange(key, '0', '-1') : [];
      t.notMatch(JSON.stringify([key, content]), /ann|192\.0|198\.51/);
    }
  });

  await t.test('follow the same rule as attempts in memory', async (t) => {
    await fc.assert(
      fc.asyncProperty(policies, fc.array(steps, { maxLength: 60 }), async (policy, run) => {
        const prefix = testPrefix(t, redis);
        const [one, other] = [
          createMemoryAttempts({ policy }),
          createRedisAttempts(redis, { policy, prefix }),
        ];
        let now = NOW;
        const [ofOne, ofOther]: [Begun[], Begun[]] = [[], []];
        for (const step of run) {
          now += step.after;
          t.same(await carryOut(other, ofOther, step, now), await carryOut(one, ofOne, step, now));
        }
      }),
      { numRuns: 50 },
    );
  });
});

const delays = fc.record({
  free: fc.integer({ min: 1, max: 4 }),
  firstDelay: fc.constantFrom(1, 700),
  longestDelay: fc.constant(2_500),
  quiet: fc.constant(6_000),
  forgetOneAfter: fc.constantFrom(null, 900, 2_000),
});

const policies: fc.Arbitrary<AttemptPolicy> = fc.record({
  account: delays,
  network: delays,
  knownFor: fc.constant(10_000),
  knownNetworks: fc.integer({ min: 1, max: 3 }),
});

const steps = fc.record({
  after: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_500 }), fc.constant(6_000)),
  kind: fc.constantFrom(
    'begin' as const,
    'begin' as const,
    'log in' as const,
    'succeed' as const,
    'take' as const,
    'recover' as const,
  ),
  subject: fc.record({
    account: fc.constantFrom('ann', 'bob'),
    identifier: fc.constantFrom('a name', 'an address'),
    network: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'),
  }),
});
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

/** Allowed attempts whose result is not known yet, oldest first. */
type Begun = readonly [AttemptSubject, AllowedAttempt];

async function carryOut(
  attempts: Attempts,
  begun: Begun[],
  { kind, subject }: { readonly kind: Step['kind']; readonly subject: AttemptSubject },
  now: number,
) {
  if (kind === 'succeed') {
    const [earlier, attempt] = begun.shift() ?? [subject, UNCOUNTED];
    return attempts.recordSuccess(earlier, now, attempt);
  }
  if (kind === 'take')
    return attempts.countAction(subject.account, { count: 3, perMilliseconds: 4_000 }, now);
  if (kind === 'recover')
    return attempts.recordRecovery({ ...subject, identifiers: [subject.identifier, subject.account] }, now);
  const verdict = await attempts.begin(subject, now);
  if (kind === 'log in' && verdict.allowed) await attempts.recordSuccess(subject, now, verdict);
  if (kind === 'begin' && verdict.allowed) begun.push([subject, verdict]);
  return verdict;
}

t.test('attempts in memory have a bounded size', async (t) => {
  const maxEntries = 10;
  const networkOf = (i: number) => `203.0.113.${i}`;
  const junk = async (attempts: Attempts, times: number) => {
    for (let i = 0; i < 10 * maxEntries; i += 1) {
      const subject = { account: `junk ${i}`, identifier: `junk ${i}`, network: networkOf(i) };
      for (let j = 0; j < times; j += 1) await attempts.begin(subject, NOW);
    }
  };

  await t.test('accounts without a delay never evict a delayed account', async (t) => {
    const attempts = createMemoryAttempts({ maxEntries });
    for (let i = 0; i < 5; i += 1) await attempts.begin(ANN, NOW);
    await junk(attempts, 4);
    t.notOk((await attempts.begin(ANN, NOW)).allowed);
  });

  await t.test('a delayed account is evicted once other delayed accounts fill all places', async (t) => {
    const attempts = createMemoryAttempts({ maxEntries });
    for (let i = 0; i < 5; i += 1) await attempts.begin(ANN, NOW);
    await junk(attempts, 5);
    t.ok((await attempts.begin(ANN, NOW)).allowed);
  });

  await t.test('logins to one account evict no known network of another account', async (t) => {
    const attempts = createMemoryAttempts({ maxEntries });
    await attempts.recordSuccess(ANN, NOW, UNCOUNTED);
    for (let i = 0; i < 10 * maxEntries; i += 1) {
      const junk = { account: 'junk', identifier: 'junk', network: networkOf(i) };
      await attempts.recordSuccess(junk, NOW, UNCOUNTED);
    }
    for (let i = 0; i < 5; i += 1) await attempts.begin({ ...ANN, network: networkOf(i) }, NOW);
    t.ok((await attempts.begin(ANN, NOW)).allowed);
  });

  await t.test('windows with room never evict a full window', async (t) => {
    const attempts = createMemoryAttempts({ maxEntries });
    const limit = { count: 2, perMilliseconds: 60_000 };
    await attempts.countAction('mails', limit, NOW);
    await attempts.countAction('mails', limit, NOW);
    for (let i = 0; i < 10 * maxEntries; i += 1) await attempts.countAction(`junk ${i}`, limit, NOW);
    t.notOk((await attempts.countAction('mails', limit, NOW)).allowed);
    t.equal((await attempts.countAction('junk 0', limit, NOW)).remaining, 1, 'the oldest window was evicted');
  });
});
