/** How many failures are free, and how the waiting grows after them. Times in milliseconds. */
export interface DelayPolicy {
  readonly free: number;
  /** The wait once the free ones are used up; each further failure doubles it. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** After this time without an attempt everything is forgotten; longer than `longestDelay`. */
  readonly quiet: number;
  /** Each time that this has passed one failure is forgotten; null: none before `quiet`. */
  readonly forgetOneAfter: number | null;
}

/** What attempts to show a password are held to. */
export interface AttemptPolicy {
  /**
   * For one identifier (a name or an address, as it was typed), from all networks where its account is not known; and
   * for it at each network where it is.
   */
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
  forgetOneAfter: null,
};

/**
 * Waits that grow, and networks of earlier logins that are spared them, so that guessing is hopeless and no owner is
 * locked out by it: both are measures of NIST SP 800-63B, section 5.2.2. A person who mistypes hardly notices, many
 * people may share a network, and a guesser gets some hundred guesses a day for each identifier. Failures of a network
 * are forgotten one by one: a busy network makes some all day, and a person who comes there must not wait for minutes.
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
  /** Until when the forgetting of single failures is done, in milliseconds. */
  readonly forgottenUntil: number;
}

/** All that is known of an attempt: of its account, its identifier and its network. Absent counts are zero. */
export interface AttemptState {
  /** Until when the account is known at the network; 0: it is not. */
  readonly knownUntil: number;
  /** Of the identifier at this network, while the account is known there. */
  readonly pair?: AttemptCount | undefined;
  /** Of the identifier, from everywhere else. */
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
 * many at once are as good as one after another. An account at a network where it is known has counts of its own,
 * which are neither raised nor read by what strangers do, on this account or on that network.
 *
 * Failures are counted by the identifier, known or not, and never by the account: the answers to wrong passwords do
 * not tell which name and which address belong together.
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
function waitFor(before: AttemptCount | undefined, policy: DelayPolicy, now: number): number {
  const count = countAt(before, policy, now);
  if (count === undefined) return 0;
  // Another replica's clock may be ahead of ours.
  const lastAt = Math.min(count.lastAt, now);
  const forgottenUntil = Math.min(count.forgottenUntil, now);
  const waitWith = (failures: number) => Math.max(0, lastAt + delayAfter(failures, policy) - now);
  let wait = waitWith(count.failures);
  if (policy.forgetOneAfter === null) return wait;
  // A failure that is forgotten meanwhile shortens the delay.
  for (let forgotten = 1; count.failures - forgotten >= policy.free - 1; forgotten += 1) {
    const forgottenIn = forgottenUntil + forgotten * policy.forgetOneAfter - now;
    if (forgottenIn >= wait) break;
    wait = Math.min(wait, Math.max(forgottenIn, waitWith(count.failures - forgotten)));
  }
  return wait;
}

function delayAfter(failures: number, { free, firstDelay, longestDelay }: DelayPolicy): number {
  return failures < free ? 0 : Math.min(longestDelay, firstDelay * 2 ** (failures - free));
}

/** What is left of a count at a moment; undefined: nothing. */
function countAt(
  count: AttemptCount | undefined,
  { quiet, forgetOneAfter }: DelayPolicy,
  now: number,
): AttemptCount | undefined {
  if (count === undefined || now - count.lastAt >= quiet) return undefined;
  if (forgetOneAfter === null) return count;
  const forgotten = Math.max(0, Math.floor((now - count.forgottenUntil) / forgetOneAfter));
  if (forgotten >= count.failures) return undefined;
  const forgottenUntil = count.forgottenUntil + forgotten * forgetOneAfter;
  return { ...count, failures: count.failures - forgotten, forgottenUntil };
}

function oneMore(before: AttemptCount | undefined, policy: DelayPolicy, now: number): AttemptCount {
  const count = countAt(before, policy, now);
  if (count === undefined) return { failures: 1, lastAt: now, forgottenUntil: now };
  return { ...count, failures: count.failures + 1, lastAt: now };
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
