import { type AttemptCount, countOne, PER_ACCOUNT, PER_NETWORK, waitFor } from '../../domain/attempts.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';
import { createBoundedMap } from './bounded-map.ts';

/** How long a network is remembered as one where a login succeeded. */
const GOOD_FOR = 90 * 86_400_000;

/** Strangers choose what is counted here, so there is an end to it. */
const MOST = 50_000;

/** Attempts in this process's memory. */
export function createMemoryAttempts(): Attempts {
  const counts = createBoundedMap<AttemptCount>(MOST);
  const good = createBoundedMap<number>(MOST);
  const windows = createBoundedMap<{ since: number; taken: number }>(MOST);

  const pairOf = ({ account, network }: AttemptSubject) => `${account} at ${network}`;

  function limitsOf(subject: AttemptSubject, now: number) {
    const goodUntil = good.get(pairOf(subject)) ?? 0;
    const account = now < goodUntil ? pairOf(subject) : subject.account;
    return [
      { key: `account ${account}`, policy: PER_ACCOUNT },
      { key: `network ${subject.network}`, policy: PER_NETWORK },
    ];
  }

  return {
    async begin(subject, now) {
      const limits = limitsOf(subject, now);
      const wait = Math.max(...limits.map(({ key, policy }) => waitFor(counts.get(key), policy, now)));
      if (wait > 0) return { allowed: false, retryAfter: Math.ceil(wait / 1000) };
      for (const { key, policy } of limits) counts.set(key, countOne(counts.get(key), policy, now));
      return { allowed: true };
    },

    async succeeded(subject, now) {
      const [account, network] = limitsOf(subject, now);
      if (account !== undefined) counts.delete(account.key);
      const count = network && counts.get(network.key);
      if (network && count) counts.set(network.key, { ...count, failures: Math.max(0, count.failures - 1) });
      good.set(pairOf(subject), now + GOOD_FOR);
    },

    async take(key, { count, perMilliseconds }, now) {
      const found = windows.get(key);
      const window = found && now - found.since < perMilliseconds ? found : { since: now, taken: 0 };
      const retryAfter = Math.ceil((window.since + perMilliseconds - now) / 1000);
      if (window.taken >= count) return { allowed: false, retryAfter };
      windows.set(key, { ...window, taken: window.taken + 1 });
      return { allowed: true, retryAfter: 0 };
    },
  };
}
