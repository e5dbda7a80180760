import t from 'tap';
import { createFairQueue } from '../../src/adapters/argon2/fair-queue.ts';
import type { HashVerifier } from '../../src/ports/security/hash-verifier.ts';
import { passwordHasher } from '../support/passwords.ts';

const SAMPLES = 2_000;
/** The mean duration of a verification and its standard deviation, in milliseconds of the test's clock. */
const KINDS = { fast: { mean: 20, spread: 2 }, slow: { mean: 250, spread: 12 } } as const;
const MINIMUM = 250 * 1.5;

/** A random duration with a roughly normal distribution. */
function randomDuration({ mean, spread }: { readonly mean: number; readonly spread: number }): number {
  const sum = Array.from({ length: 12 }, Math.random).reduce((one, other) => one + other);
  return mean + spread * (sum - 6);
}

/**
 * A hasher whose verifications and waits advance the clock of the test. `time.held` is the total time in which turns
 * were occupied.
 */
function createMeasuredHasher(minimum: number) {
  const time = { now: 0, held: 0 };
  const verifier: HashVerifier = {
    kindOf: (hash) => (Object.hasOwn(KINDS, hash) ? hash : null),
    async verify(hash, password) {
      time.now += randomDuration(KINDS[hash as keyof typeof KINDS]);
      return password === 'right';
    },
  };
  const turns = createFairQueue({ maxRunning: 1, maxWaiting: 8 });
  const hasher = passwordHasher({
    foreign: [verifier],
    refusalTime: {
      minimum: () => minimum,
      clock: () => time.now,
      async sleep(milliseconds) {
        time.now += randomDuration({ mean: milliseconds, spread: 0.5 });
      },
    },
    async turns(network, work) {
      const started = time.now;
      const result = await turns(network, work);
      time.held += time.now - started;
      return result;
    },
  });

  async function measureDurations(hash: string | null, password: string): Promise<number[]> {
    const found: number[] = [];
    for (let count = 0; count < SAMPLES; count += 1) {
      const started = time.now;
      await hasher.verify(hash, password, '');
      found.push(time.now - started);
    }
    return found;
  }
  return { time, measureDurations };
}

/** The t-value of Welch's test. Above 4.5 the two samples almost certainly have different distributions. */
function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [moments(one), moments(other)];
  return Math.abs(a.mean - b.mean) / Math.sqrt(a.variance / one.length + b.variance / other.length);
}

function moments(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

for (const password of ['wrong', 'wrong pie\u0300ce'])
  t.test(`the time of a refusal does not reveal the kind of the hash: ${password}`, async (t) => {
    const { measureDurations } = createMeasuredHasher(MINIMUM);
    const fast = await measureDurations('fast', password);
    const slow = await measureDurations('slow', password);
    t.ok(welch(fast, slow) < 4.5, `t = ${welch(fast, slow)}`);
    const without = createMeasuredHasher(0);
    const revealing = welch(
      await without.measureDurations('fast', password),
      await without.measureDurations('slow', password),
    );
    t.ok(revealing > 4.5, 'without the wait the time reveals the kind');
  });

t.test('an unknown user is refused no sooner than the slowest kind', async (t) => {
  const { measureDurations } = createMeasuredHasher(MINIMUM);
  const unknown = await measureDurations(null, 'wrong');
  const slow = await measureDurations('slow', 'wrong');
  t.ok(welch(unknown, slow) < 4.5, `t = ${welch(unknown, slow)}`);
});

t.test(
  'a right password does not wait, and a refusal waits only after it has released its turn',
  async (t) => {
    const { time, measureDurations } = createMeasuredHasher(MINIMUM);
    t.ok(Math.max(...(await measureDurations('fast', 'right'))) < 50);
    const before = time.held;
    await measureDurations('fast', 'wrong');
    t.ok(time.held - before < 50 * SAMPLES, 'the turn is held for the verification alone');
  },
);
