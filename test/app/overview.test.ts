import t from 'tap';
import { addUpSamples } from '../../src/adapters/telemetry/metrics/add-up.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { readingsOf } from '../../src/adapters/telemetry/overview.ts';
import type { KeyInSet } from '../../src/app/keys/list-keys.ts';
import { readOverview } from '../../src/app/overview/read-overview.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';

const SECOND = 1_000;

const key: KeyInSet = {
  id: 'k',
  alg: 'EdDSA',
  number: 1,
  announcedAt: NOW,
  signsFrom: NOW,
  state: 'signing',
  fault: null,
  publishedUntil: Number.POSITIVE_INFINITY,
};

function createOverview(values: Partial<Parameters<typeof readOverview>[0]> = {}) {
  const time = { now: NOW };
  const metrics = createMetrics();
  const { families } = createMemoryStores();
  const calls = { sessions: 0, keys: 0, readings: 0 };
  const read = readOverview({
    replica: 'one:3000',
    async readReadings() {
      calls.readings += 1;
      return readingsOf(await metrics.samples());
    },
    families: {
      async countLive(now, limit) {
        calls.sessions += 1;
        return families.countLive(now, limit);
      },
    },
    checks: {},
    async listKeys() {
      calls.keys += 1;
      return [key];
    },
    clock: () => time.now,
    ...values,
  });
  return { read, time, calls, families, telemetry: metrics.telemetry, metrics };
}

t.test('a sample counts what the service did, by reason', async (t) => {
  const { read, telemetry, families, metrics } = createOverview();
  telemetry.loginEnded(null);
  telemetry.loginEnded('invalid_credentials');
  telemetry.rotated();
  telemetry.reissued(5);
  telemetry.refreshRefused('token_reused');
  telemetry.refreshRefused('token_reused');
  metrics.addDependency('redis', () => false);
  await families.open(someFamily(), []);
  const { replica, samples, dependencies, keys } = await read();
  t.equal(replica, 'one:3000');
  t.same(samples, [
    {
      at: NOW,
      logins: 1,
      refreshes: 2,
      refusals: { 'login invalid_credentials': 1, 'refresh token_reused': 2 },
      sessions: 1,
      mailsWaiting: null,
      eventsWaiting: null,
      deliveriesWaiting: null,
    },
  ]);
  t.same(dependencies, [{ name: 'redis', isUp: false }]);
  t.same(keys, [key]);
});

t.test('many concurrent readers cause one reading, and expensive facts are read less often', async (t) => {
  const { read, time, calls } = createOverview();
  await Promise.all(Array.from({ length: 50 }, read));
  t.same(calls, { readings: 1, sessions: 1, keys: 1 });
  for (let second = 0; second < 60; second += 1) {
    time.now += SECOND;
    await read();
  }
  t.same(calls, { readings: 31, sessions: 2, keys: 3 });
});

t.test('frequent readers get samples of the whole last hour, at least 4.5 seconds apart', async (t) => {
  const { read, time } = createOverview();
  for (let count = 0; count < 2_000; count += 1) {
    time.now += 2 * SECOND;
    await read();
  }
  const { samples } = await read();
  t.equal(samples.at(-1)?.at, time.now);
  t.ok(time.now - (samples[0]?.at ?? 0) > 3_590 * SECOND, 'the first sample is almost an hour old');
  const kept = samples.slice(0, -1).map(({ at }) => at);
  t.ok(kept.length > 500, `${kept.length} samples`);
  t.ok(kept.every((at, index) => index === 0 || at - (kept[index - 1] ?? 0) >= 4.5 * SECOND));
  time.now += 3_600 * SECOND;
  t.equal((await read()).samples.length, 1);
});

t.test('without its database a service still shows the facts that need no database', async (t) => {
  const unavailable = async () => {
    throw new StoreUnavailable('nothing', null);
  };
  const { read } = createOverview({
    families: { countLive: unavailable },
    listKeys: unavailable,
    checks: { database: unavailable, capacity: async () => {} },
  });
  const { samples, dependencies, keys } = await read();
  t.match(samples, [{ logins: 0, sessions: null, mailsWaiting: null }]);
  t.same(dependencies, [
    { name: 'database', isUp: false },
    { name: 'capacity', isUp: true },
  ]);
  t.same(keys, null);
});

t.test('an unexpected error rejects the reading, and the next reading succeeds', async (t) => {
  let isBroken = true;
  const { read } = createOverview({
    families: {
      async countLive() {
        if (isBroken) throw new TypeError('broken');
        return 5;
      },
    },
  });
  await t.rejects(read(), TypeError);
  isBroken = false;
  t.match((await read()).samples, [{ sessions: 5 }]);
});

t.test(
  'the counts of several processes are added up, and a dependency is up if it is up in all processes',
  async (t) => {
    const [one, other] = [createMetrics(), createMetrics()];
    for (const metrics of [one, other]) metrics.telemetry.loginEnded(null);
    one.addDependency('redis', () => true);
    other.addDependency('redis', () => false);
    const { counts, connections } = readingsOf(
      await addUpSamples([await one.samples(), await other.samples()]),
    );
    t.equal(counts.logins, 2);
    t.same(connections, [{ name: 'redis', isUp: false }]);
  },
);
