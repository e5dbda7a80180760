import { createHash } from 'node:crypto';
import {
  ATTEMPT_POLICY,
  type AttemptCount,
  type AttemptPolicy,
  type AttemptState,
  beginAttempt,
  countAction,
  type DelayPolicy,
  hasDelay,
  succeedAttempt,
} from '../../domain/attempts.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';
import { createBoundedMap } from './bounded-map.ts';

interface Options {
  readonly policy?: AttemptPolicy;
  /** Entries of each kind and rank that are kept. */
  readonly most?: number;
}

interface Window {
  readonly times: readonly number[];
  readonly isFull: boolean;
}

/**
 * Attempts in this process's memory, which strangers choose the names in, so there is an end to it. Counts that are
 * waited for are kept apart from all others: no number of accounts or networks tried a few times pushes one out. That
 * takes `most` others with all their free attempts used up since its own last one, each of them a password that was
 * verified: more than can be verified within the longest wait. Networks are remembered by account, so whoever owns
 * one account cannot push those of others out from however many networks. Names are kept as hashes: strangers choose
 * them, and a hash bounds the bytes of each entry.
 */
export function createMemoryAttempts({ policy = ATTEMPT_POLICY, most = 50_000 }: Options = {}): Attempts {
  const countsUnder = (delays: DelayPolicy) =>
    createBoundedMap<AttemptCount>({ most, isPrecious: (count) => hasDelay(count, delays) });
  const pairs = countsUnder(policy.account);
  const accounts = countsUnder(policy.account);
  const networks = countsUnder(policy.network);
  const known = createBoundedMap<ReadonlyMap<string, number>>({ most });
  const windows = new Map<string, ReturnType<typeof createBoundedMap<Window>>>();

  const pairOf = (subject: AttemptSubject) => `${subject.identifier} ${subject.network}`;

  function stateOf(subject: AttemptSubject): AttemptState {
    return {
      knownUntil: known.get(subject.account)?.get(subject.network) ?? 0,
      pair: pairs.get(pairOf(subject)),
      account: accounts.get(subject.identifier),
      network: networks.get(subject.network),
    };
  }

  function keep(
    subject: AttemptSubject,
    before: AttemptState,
    { pair, account, network }: AttemptState,
  ): void {
    // Only what changed: each write makes an entry young again.
    if (pair !== before.pair) pairs.set(pairOf(subject), pair);
    if (account !== before.account) accounts.set(subject.identifier, account);
    if (network !== before.network) networks.set(subject.network, network);
  }

  /** One map for each action: names that strangers type at a login push out no window of another action. */
  function windowsOf(key: string) {
    const action = key.slice(0, key.indexOf(' '));
    const found = windows.get(action) ?? createBoundedMap({ most, isPrecious: ({ isFull }) => isFull });
    windows.set(action, found);
    return found;
  }

  function remember({ account, network }: Pick<AttemptSubject, 'account' | 'network'>, until: number): void {
    const others = [...(known.get(account) ?? [])].filter(([name]) => name !== network);
    known.set(account, new Map([...others, [network, until] as const].slice(-policy.knownNetworks)));
  }

  return {
    async begin(named, now) {
      const subject = hashed(named);
      const before = stateOf(subject);
      const { verdict, state } = beginAttempt(before, policy, now);
      keep(subject, before, state);
      return verdict;
    },

    async recordSuccess(named, now) {
      const subject = hashed(named);
      const before = stateOf(subject);
      const state = succeedAttempt(before, policy, now);
      keep(subject, before, state);
      remember(subject, state.knownUntil);
    },

    async recordRecovery({ account, identifiers, network }, now) {
      for (const identifier of identifiers) accounts.set(hashOf(identifier), undefined);
      remember({ account: hashOf(account), network: hashOf(network) }, now + policy.knownFor);
    },

    async countAction(name, limit, now) {
      const key = hashOf(name);
      const ofDeed = windowsOf(name);
      const { verdict, times } = countAction(ofDeed.get(key)?.times ?? [], limit, now);
      if (verdict.allowed) ofDeed.set(key, { times, isFull: verdict.remaining === 0 });
      return verdict;
    },
  };
}

function hashed({ account, identifier, network }: AttemptSubject): AttemptSubject {
  return { account: hashOf(account), identifier: hashOf(identifier), network: hashOf(network) };
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');
}
