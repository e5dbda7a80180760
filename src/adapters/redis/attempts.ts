import type { Redis } from 'ioredis';
import { ATTEMPT_POLICY, type AttemptPolicy, type DelayPolicy } from '../../domain/attempts.ts';
import { ceilSeconds } from '../../domain/rate-limit.ts';
import { shortHash } from '../../lib/short-hash.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { BEGIN, COUNT_ACTION, RECORD_RECOVERY, RECORD_SUCCESS, UNCOUNT_ACTION } from './attempts-lua.ts';
import { createScript } from './script.ts';

interface Options {
  readonly policy?: AttemptPolicy;
  /** The beginning of every key. */
  readonly prefix?: string;
}

/**
 * Attempts in Redis, shared by all replicas. Each method runs one script, so it is atomic and takes one round trip.
 * Keys contain hashes instead of account names and addresses. A Redis Cluster is not supported: the keys of one script
 * would be on several nodes.
 */
export function createRedisAttempts(
  redis: Redis,
  { policy = ATTEMPT_POLICY, prefix = 'kinship:' }: Options = {},
): Attempts {
  const begin = createScript(redis, BEGIN);
  const recordSuccess = createScript(redis, RECORD_SUCCESS);
  const recordRecovery = createScript(redis, RECORD_RECOVERY);
  const countAction = createScript(redis, COUNT_ACTION);
  const uncountAction = createScript(redis, UNCOUNT_ACTION);
  const key = (kind: string, ...names: string[]) => `${prefix}${kind}:${hashNames(...names)}`;

  /** The beginning of the keys of an identifier's counts at known networks. The name of a network completes it. */
  const pairsOf = (identifier: string) => `${key('pair', identifier)}:`;
  const keysOf = ({ account, identifier, network }: AttemptSubject) => [
    key('known', account),
    pairsOf(identifier) + hashNames(network),
    key('account', identifier),
    key('network', network),
  ];
  const policyArguments = [
    ...delayArguments(policy.account),
    ...delayArguments(policy.network),
    policy.knownFor,
    policy.knownNetworks,
  ];

  return {
    async begin(subject, now) {
      const answer = await begin(keysOf(subject), [now, hashNames(subject.network), ...policyArguments]);
      const [wait, counts] = readNumbers(answer);
      if (wait <= 0) return { allowed: true, raised: counts === 2 ? 'shared' : 'at_known_network' };
      const counter = counts === 2 ? 'network' : 'account';
      return { allowed: false, counter, retryAfter: ceilSeconds(wait) };
    },

    async recordSuccess(subject, now, { raised }) {
      const names = [now, hashNames(subject.network)];
      await recordSuccess(keysOf(subject), [...names, ...policyArguments, raised ?? '']);
    },

    async recordRecovery({ account, identifiers, network }, now) {
      const keys = [key('known', account), ...identifiers.map((identifier) => key('account', identifier))];
      const { knownFor, knownNetworks } = policy;
      const pairs = identifiers.map(pairsOf);
      await recordRecovery(keys, [now, hashNames(network), knownFor, knownNetworks, ...pairs]);
    },

    async countAction(name, { count, perMilliseconds }, now) {
      const answer = await countAction([key('window', name)], [now, count, perMilliseconds]);
      const [left, wait] = readNumbers(answer);
      return { allowed: left > 0, remaining: Math.max(0, left - 1), retryAfter: ceilSeconds(wait) };
    },

    async uncountAction({ key: name, at }) {
      await uncountAction([key('window', name)], [at]);
    },
  };
}

/** Reads the two numbers that a script returns. Throws for any other answer, which may come from a proxy. */
function readNumbers(answer: unknown): [number, number] {
  const [first, second, ...rest] = Array.isArray(answer) ? answer : [];
  if (Number.isInteger(first) && Number.isInteger(second) && rest.length === 0) return [first, second];
  throw new StoreUnavailable('unknown', new Error('Redis did not return two numbers.'));
}

function delayArguments({ free, firstDelay, longestDelay, quiet, forgetOneAfter }: DelayPolicy): number[] {
  return [free, firstDelay, longestDelay, quiet, forgetOneAfter ?? 0];
}

function hashNames(...names: string[]): string {
  return shortHash(JSON.stringify(names));
}
