/** How many wrong passwords are free, and how waiting grows after that. Times in milliseconds. */
export interface AttemptPolicy {
  readonly free: number;
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** After this time without a failure everything is forgotten. */
  readonly quiet: number;
}

/** What is known of one account, of one account at one network, or of one network. */
export interface AttemptCount {
  readonly failures: number;
  readonly lastAt: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Guessing stays hopeless, and a person who mistypes hardly notices (NIST SP 800-63B section 5.2.2). */
export const PER_ACCOUNT: AttemptPolicy = {
  free: 5,
  firstDelay: 1_000,
  longestDelay: 15 * MINUTE,
  quiet: DAY,
};

/** Many people may share a network. */
export const PER_NETWORK: AttemptPolicy = { ...PER_ACCOUNT, free: 20 };

/** Milliseconds to wait until the next attempt; 0: now. */
export function waitFor(count: AttemptCount | undefined, policy: AttemptPolicy, now: number): number {
  if (count === undefined || now - count.lastAt >= policy.quiet || count.failures < policy.free) return 0;
  const delay = Math.min(policy.longestDelay, policy.firstDelay * 2 ** (count.failures - policy.free));
  return Math.max(0, count.lastAt + delay - now);
}

/** The count after one more attempt, which is taken for a failure until it turns out otherwise. */
export function countOne(count: AttemptCount | undefined, policy: AttemptPolicy, now: number): AttemptCount {
  const forgotten = count === undefined || now - count.lastAt >= policy.quiet;
  return { failures: forgotten ? 1 : count.failures + 1, lastAt: now };
}
