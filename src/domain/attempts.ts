/** How many failures are free, and how the waiting grows after them. Times in milliseconds. */
export interface DelayPolicy {
  readonly free: number;
  /** The wait once the free ones are used up; each further failure doubles it. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** After this time without an attempt everything is forgotten; longer than `longestDelay`. */
  readonly quiet: number;
}

/** What attempts to show a password are held to. */
export interface AttemptPolicy {
  /** For one account, from all networks where it is not known; and for it at each network where it is. */
  readonly account: DelayPolicy;
  /** For one network, over all accounts that are not known there. */
  readonly network: DelayPolicy;
  /** Milliseconds that an account is known at a network after a login there. */
  readonly knownFor: number;
  /** At so many networks at once; the one that was not used for longest gives way. */
  readonly knownNetworks: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const PER_ACCOUNT: DelayPolicy = {
  free: 5,
  firstDelay: 1_000,
  longestDelay: 15 * MINUTE,
  quiet: DAY,
};

/**
 * Waits that grow, and networks of earlier logins that are spared them, so that guessing is hopeless and no owner is
 * locked out by it: both are measures of NIST SP 800-63B, section 5.2.2. A person who mistypes hardly notices, many
 * people may share a network, and whoever goes on gets some hundred guesses a day.
 */
export const ATTEMPT_POLICY: AttemptPolicy = {
  account: PER_ACCOUNT,
  network: { ...PER_ACCOUNT, free: 20 },
  knownFor: 90 * DAY,
  knownNetworks: 20,
};

export interface AttemptCount {
  readonly failures: number;
  /** When the last attempt was made, in milliseconds. */
  readonly lastAt: number;
}

/** All that is known of an account at a network. Counts that are not there are zero. */
export interface AttemptState {
  /** Until when the account is known at the network; 0: it is not. */
  readonly knownUntil: number;
  /** Of the account at this network, while it is known there. */
  readonly pair?: AttemptCount | undefined;
  /** Of the account, from everywhere else. */
  readonly account?: AttemptCount | undefined;
  /** Of the network, over all accounts that are not known there. */
  readonly network?: AttemptCount | undefined;
}

/** Whose count an attempt has to wait for: the one with the longer wait. */
export type AttemptCounter = 'account' | 'network';

/** `retryAfter`: whole seconds, at least 1. */
export type AttemptVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly counter: AttemptCounter; readonly retryAfter: number };

/**
 * Judges an attempt before its password is looked at. One that is allowed counts as a failure from here on, so that
 * many at once are as good as one after another. An account at a network where it is known has a count of its own,
 * which is neither raised nor read by what strangers do, on this account or on that network.
 */
export function beginAttempt(
  state: AttemptState,
  policy: AttemptPolicy,
  now: number,
): { readonly verdict: AttemptVerdict; readonly state: AttemptState } {
  if (now < state.knownUntil) {
    const wait = waitFor(state.pair, policy.account, now);
    if (wait > 0) return { verdict: refused('account', wait), state };
    return {
      verdict: { allowed: true },
      state: { ...state, pair: oneMore(state.pair, policy.account, now) },
    };
  }
  const atAccount = waitFor(state.account, policy.account, now);
  const atNetwork = waitFor(state.network, policy.network, now);
  if (atNetwork > atAccount) return { verdict: refused('network', atNetwork), state };
  if (atAccount > 0) return { verdict: refused('account', atAccount), state };
  const account = oneMore(state.account, policy.account, now);
  const network = oneMore(state.network, policy.network, now);
  return { verdict: { allowed: true }, state: { ...state, account, network } };
}

/**
 * It was the right password. The account is known at the network, where its count starts anew. Of the counts that it
 * shares with strangers only this attempt is taken back: an owner's login, or that of an attacker's own account, does
 * not give others their free guesses back (NIST speaks of "the same IP address" too).
 */
export function succeedAttempt(state: AttemptState, policy: AttemptPolicy, now: number): AttemptState {
  const known = { ...state, pair: undefined, knownUntil: now + policy.knownFor };
  if (now < state.knownUntil) return known;
  return { ...known, account: oneLess(state.account), network: oneLess(state.network) };
}

/** Whether strangers would gain, were this count to be forgotten. */
export function hasDelay({ failures }: AttemptCount, { free }: DelayPolicy): boolean {
  return failures >= free;
}

/** Milliseconds to wait until the next attempt; 0: now. */
function waitFor(count: AttemptCount | undefined, policy: DelayPolicy, now: number): number {
  if (count === undefined || now - count.lastAt >= policy.quiet || !hasDelay(count, policy)) return 0;
  const delay = Math.min(policy.longestDelay, policy.firstDelay * 2 ** (count.failures - policy.free));
  // Another replica's clock may be ahead of ours.
  return Math.max(0, Math.min(count.lastAt, now) + delay - now);
}

function oneMore(count: AttemptCount | undefined, policy: DelayPolicy, now: number): AttemptCount {
  const forgotten = count === undefined || now - count.lastAt >= policy.quiet;
  return { failures: forgotten ? 1 : count.failures + 1, lastAt: now };
}

function oneLess(count: AttemptCount | undefined): AttemptCount | undefined {
  return count === undefined || count.failures <= 1 ? undefined : { ...count, failures: count.failures - 1 };
}

function refused(counter: AttemptCounter, wait: number): AttemptVerdict {
  return { allowed: false, counter, retryAfter: wholeSeconds(wait) };
}

/** Of milliseconds, never less than was asked for. */
export function wholeSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}

/** At most `count` in every span of `perMilliseconds`. */
export interface Limit {
  readonly count: number;
  readonly perMilliseconds: number;
}

/** `retryAfter`: whole seconds, at least 1 if refused, else 0. `remaining`: how many would be allowed now. */
export interface Taking {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfter: number;
}

/** Judges one deed more, given the times of those that were allowed, oldest first. Answers the times that still count. */
export function takeOne(
  times: readonly number[],
  { count, perMilliseconds }: Limit,
  now: number,
): { readonly taking: Taking; readonly times: readonly number[] } {
  const recent = times.filter((time) => now - time < perMilliseconds);
  if (recent.length < count) {
    const taking = { allowed: true, remaining: count - recent.length - 1, retryAfter: 0 };
    return { taking, times: [...recent, now] };
  }
  const leaving = recent[recent.length - count] ?? now;
  const wait = Math.min(leaving, now) + perMilliseconds - now;
  return { taking: { allowed: false, remaining: 0, retryAfter: wholeSeconds(wait) }, times: recent };
}
