import {
  ATTEMPT_POLICY,
  type AttemptCount,
  type AttemptPolicy,
  type AttemptState,
  beginAttempt,
  type DelayPolicy,
  hasDelay,
  succeedAttempt,
} from '../../domain/attempts.ts';
import { countAction, uncountAction } from '../../domain/rate-limit.ts';
import { shortHash } from '../../lib/short-hash.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';
import { createBoundedMap } from './bounded-map.ts';

interface Options {
  readonly policy?: AttemptPolicy;
  /** The maximum number of entries in each bounded map: see {@link createBoundedMap}. */
  readonly maxEntries?: number;
}

interface Window {
  readonly times: readonly number[];
  readonly isFull: boolean;
}

/**
 * Attempts in the memory of this process. The memory is bounded, because any client can create entries.
 *
 * - Counts with a delay have a map of their own, so accounts or networks with a few attempts never evict them. To evict
 *   one, a client must bring `maxEntries` other counts into a delay. That takes more password verifications than fit
 *   into the longest delay.
 * - Known networks are stored by account. So an attacker who has an account cannot evict the known networks of other
 *   accounts.
 * - Names are stored as hashes, which bounds the bytes of each entry.
 */
export function createMemoryAttempts({
  policy = ATTEMPT_POLICY,
  maxEntries = 50_000,
}: Options = {}): Attempts {
  const createCounts = (delays: DelayPolicy) =>
    createBoundedMap<AttemptCount>({ maxEntries, isProtected: (count) => hasDelay(count, delays) });
  const pairs = createCounts(policy.account);
  const accounts = createCounts(policy.account);
  const networks = createCounts(policy.network);
  const known = createBoundedMap<ReadonlyMap<string, number>>({ maxEntries });
  const windows = new Map<string, ReturnType<typeof createBoundedMap<Window>>>();

  const pairOf = (subject: AttemptSubject) => `${subject.identifier} ${subject.network}`;

  function stateOf(subject: AttemptSubject): AttemptState {
    return {
      knownUntil: known.get(subject.account)?.get(subject.network) ?? 0,
      atKnownNetwork: pairs.get(pairOf(subject)),
      atOtherNetworks: accounts.get(subject.identifier),
      ofNetwork: networks.get(subject.network),
    };
  }

  function store(subject: AttemptSubject, before: AttemptState, after: AttemptState): void {
    const { atKnownNetwork, atOtherNetworks, ofNetwork } = after;
    // Writes only what changed, because each write makes an entry the newest one.
    if (atKnownNetwork !== before.atKnownNetwork) pairs.set(pairOf(subject), atKnownNetwork);
    if (atOtherNetworks !== before.atOtherNetworks) accounts.set(subject.identifier, atOtherNetworks);
    if (ofNetwork !== before.ofNetwork) networks.set(subject.network, ofNetwork);
  }

  /** Each action has its own map. So names that clients type at a login do not evict windows of other actions. */
  function windowsOf(key: string) {
    const action = key.slice(0, key.indexOf(' '));
    const found =
      windows.get(action) ?? createBoundedMap({ maxEntries, isProtected: ({ isFull }) => isFull });
    windows.set(action, found);
    return found;
  }

  function remember({ account, network }: Pick<AttemptSubject, 'account' | 'network'>, until: number): void {
    const others = [...(known.get(account) ?? [])].filter(([name]) => name !== network);
    known.set(account, new Map([...others, [network, until] as const].slice(-policy.knownNetworks)));
  }

  return {
    async begin(named, now) {
      const subject = hashSubject(named);
      const before = stateOf(subject);
      const { verdict, state } = beginAttempt(before, policy, now);
      store(subject, before, state);
      return verdict;
    },

    async recordSuccess(named, now, { raised }) {
      const subject = hashSubject(named);
      const before = stateOf(subject);
      const state = succeedAttempt(before, raised, policy, now);
      store(subject, before, state);
      remember(subject, state.knownUntil);
    },

    async recordRecovery({ account, identifiers, network }, now) {
      const owner = { account: shortHash(account), network: shortHash(network) };
      remember(owner, now + policy.knownFor);
      const knownNetworks = [...(known.get(owner.account)?.keys() ?? [])];
      for (const identifier of identifiers.map(shortHash)) {
        accounts.set(identifier, undefined);
        for (const name of knownNetworks)
          pairs.set(pairOf({ ...owner, identifier, network: name }), undefined);
      }
    },

    async countAction(name, limit, now) {
      const key = shortHash(name);
      const actionWindows = windowsOf(name);
      const { verdict, times } = countAction(actionWindows.get(key)?.times ?? [], limit, now);
      if (verdict.allowed) actionWindows.set(key, { times, isFull: verdict.remaining === 0 });
      return verdict;
    },

    async uncountAction({ key: name, at }) {
      const key = shortHash(name);
      const actionWindows = windowsOf(name);
      const before = actionWindows.get(key)?.times ?? [];
      const times = uncountAction(before, at);
      if (times.length === before.length) return;
      actionWindows.set(key, times.length === 0 ? undefined : { times, isFull: false });
    },
  };
}

function hashSubject({ account, identifier, network }: AttemptSubject): AttemptSubject {
  return { account: shortHash(account), identifier: shortHash(identifier), network: shortHash(network) };
}
