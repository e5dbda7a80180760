import { DAY, MINUTE, SECOND } from './durations.ts';
import { ceilSeconds } from './rate-limit.ts';

/**
 * The number of attempts that need no wait, and how the delay grows: the failure with the number `free` causes the
 * first delay. Times in milliseconds.
 */
export interface DelayPolicy {
  readonly free: number;
  /** The delay after `free` failures. Each further failure doubles it. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** After this time without an attempt all failures are forgotten. Must be longer than `longestDelay`. */
  readonly quiet: number;
  /** The interval at which one failure is forgotten; null: no failure is forgotten before `quiet`. */
  readonly forgetOneAfter: number | null;
}

/** The limits of attempts to give a password, or the proof of a second factor. */
export interface AttemptPolicy {
  /**
   * For one identifier (the name or address that was typed). All networks where its account is not known share one
   * count. Each network where the account is known has its own count.
   */
  readonly account: DelayPolicy;
  /** For one network, over all accounts that are not known at it. */
  readonly network: DelayPolicy;
  /** Milliseconds that an account stays known at a network after a login from it. */
  readonly knownFor: number;
  /** The number of networks at which one account is known. A new network replaces the least recently used one. */
  readonly knownNetworks: number;
}

const PER_ACCOUNT: DelayPolicy = {
  free: 5,
  firstDelay: SECOND,
  longestDelay: 15 * MINUTE,
  quiet: DAY,
  forgetOneAfter: null,
};

/**
 * Growing delays limit a guesser to about a hundred guesses a day for each identifier. A typing error costs almost no
 * time. Networks of earlier logins have their own counts, so that a guesser cannot lock the owner out. Both measures
 * are in NIST SP 800-63B, section 5.2.2. Many people may share a network, so it has more free failures. They are
 * forgotten one by one. Otherwise the failures of a busy network would delay each new user by minutes.
 */
export const ATTEMPT_POLICY: AttemptPolicy = {
  account: PER_ACCOUNT,
  network: { ...PER_ACCOUNT, free: 20, quiet: 20 * MINUTE, forgetOneAfter: MINUTE },
  knownFor: 90 * DAY,
  knownNetworks: 20,
};

export interface AttemptCount {
  readonly failures: number;
  /** When the last attempt was made, in milliseconds. */
  readonly lastAt: number;
  /** The time up to which single failures have been forgotten, in milliseconds. */
  readonly forgottenUpTo: number;
}

/** The stored counts for an attempt's account, identifier and network. An absent count is zero. */
export interface AttemptState {
  /** Until when the account is known at the network; 0: not known. */
  readonly knownUntil: number;
  /** The count of the identifier at this network, while the account is known at it. */
  readonly atKnownNetwork?: AttemptCount | undefined;
  /** The count of the identifier, over all networks where the account is not known. */
  readonly atOtherNetworks?: AttemptCount | undefined;
  /** The count of the network, over all accounts that are not known at it. */
  readonly ofNetwork?: AttemptCount | undefined;
}

/** The count that delays an attempt: the one with the longer delay. */
export type AttemptCounter = 'account' | 'network';

/** The counts that an allowed attempt raised: the count at the known network, or the two shared counts. */
export type RaisedCounts = 'at_known_network' | 'shared';

/** `retryAfter`: whole seconds, at least 1. */
export type AttemptVerdict =
  | { readonly allowed: true; readonly raised: RaisedCounts }
  | { readonly allowed: false; readonly counter: AttemptCounter; readonly retryAfter: number };

/**
 * Judges an attempt before its password or proof is verified. An allowed attempt counts as a failure at once, so that
 * parallel attempts gain nothing over sequential ones. An account at a network where it is known has its own count.
 * Attempts from other networks, and on other accounts, neither raise nor read that count.
 *
 * Failures are counted by the identifier, whether it exists or not, and never by the account. So the answers to wrong
 * passwords do not reveal which name and which address belong to one account.
 */
export function beginAttempt(
  state: AttemptState,
  policy: AttemptPolicy,
  now: number,
): { readonly verdict: AttemptVerdict; readonly state: AttemptState } {
  if (now < state.knownUntil) {
    const wait = waitFor(state.atKnownNetwork, policy.account, now);
    if (wait > 0) return { verdict: refusalOf('account', wait), state };
    return {
      verdict: { allowed: true, raised: 'at_known_network' },
      state: { ...state, atKnownNetwork: increment(state.atKnownNetwork, policy.account, now) },
    };
  }
  const atAccount = waitFor(state.atOtherNetworks, policy.account, now);
  const atNetwork = waitFor(state.ofNetwork, policy.network, now);
  if (atNetwork > atAccount) return { verdict: refusalOf('network', atNetwork), state };
  if (atAccount > 0) return { verdict: refusalOf('account', atAccount), state };
  const account = increment(state.atOtherNetworks, policy.account, now);
  const network = increment(state.ofNetwork, policy.network, now);
  return {
    verdict: { allowed: true, raised: 'shared' },
    state: { ...state, atOtherNetworks: account, ofNetwork: network },
  };
}

/**
 * Records that the password or the proof was right. The account becomes known at the network, and its count there is
 * reset. The shared counts lose only this attempt, and only if it raised them: see {@link RaisedCounts}. Otherwise a
 * login by the owner, or by an attacker to another account, would give a guesser free attempts. NIST SP 800-63B, too,
 * forgets only failures from the same IP address. `raised` is null if it is not known which counts were raised.
 */
export function succeedAttempt(
  state: AttemptState,
  raised: RaisedCounts | null,
  policy: AttemptPolicy,
  now: number,
): AttemptState {
  const known = { ...state, atKnownNetwork: undefined, knownUntil: now + policy.knownFor };
  if (raised !== 'shared') return known;
  return {
    ...known,
    atOtherNetworks: decrement(state.atOtherNetworks, policy.account, now),
    ofNetwork: decrement(state.ofNetwork, policy.network, now),
  };
}

/** Whether the count has reached the failures that cause a delay. Dropping such a count would help a guesser. */
export function hasDelay({ failures }: AttemptCount, { free }: DelayPolicy): boolean {
  return failures >= free;
}

/** Milliseconds until the next attempt is allowed; 0: now. */
function waitFor(before: AttemptCount | undefined, policy: DelayPolicy, now: number): number {
  const count = countAt(before, policy, now);
  if (count === undefined) return 0;
  // Another replica's clock may be ahead.
  const lastAt = Math.min(count.lastAt, now);
  const forgottenUpTo = Math.min(count.forgottenUpTo, now);
  const waitWith = (failures: number) => Math.max(0, lastAt + delayAfter(failures, policy) - now);
  let wait = waitWith(count.failures);
  if (policy.forgetOneAfter === null) return wait;
  // A failure that is forgotten during the wait shortens the delay.
  for (let forgotten = 1; count.failures - forgotten >= policy.free - 1; forgotten += 1) {
    const forgottenIn = forgottenUpTo + forgotten * policy.forgetOneAfter - now;
    if (forgottenIn >= wait) break;
    wait = Math.min(wait, Math.max(forgottenIn, waitWith(count.failures - forgotten)));
  }
  return wait;
}

function delayAfter(failures: number, { free, firstDelay, longestDelay }: DelayPolicy): number {
  return failures < free ? 0 : Math.min(longestDelay, firstDelay * 2 ** (failures - free));
}

/** The count after failures have been forgotten until `now`; undefined if none is left. */
function countAt(
  count: AttemptCount | undefined,
  { quiet, forgetOneAfter }: DelayPolicy,
  now: number,
): AttemptCount | undefined {
  if (count === undefined || now - count.lastAt >= quiet) return undefined;
  if (forgetOneAfter === null) return count;
  const forgotten = Math.max(0, Math.floor((now - count.forgottenUpTo) / forgetOneAfter));
  if (forgotten >= count.failures) return undefined;
  const forgottenUpTo = count.forgottenUpTo + forgotten * forgetOneAfter;
  return { ...count, failures: count.failures - forgotten, forgottenUpTo };
}

function increment(before: AttemptCount | undefined, policy: DelayPolicy, now: number): AttemptCount {
  const count = countAt(before, policy, now);
  if (count === undefined) return { failures: 1, lastAt: now, forgottenUpTo: now };
  return { ...count, failures: count.failures + 1, lastAt: now };
}

function decrement(
  before: AttemptCount | undefined,
  policy: DelayPolicy,
  now: number,
): AttemptCount | undefined {
  const count = countAt(before, policy, now);
  return count === undefined || count.failures <= 1 ? undefined : { ...count, failures: count.failures - 1 };
}

function refusalOf(counter: AttemptCounter, wait: number): AttemptVerdict {
  return { allowed: false, counter, retryAfter: ceilSeconds(wait) };
}
