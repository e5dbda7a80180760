import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ATTEMPT_POLICY, type AttemptPolicy, type DelayPolicy, wholeSeconds } from '../../domain/attempts.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';
import { BEGIN, RECOVERED, SUCCEEDED, TAKE } from './attempts-lua.ts';
import { createScript } from './script.ts';

interface Options {
  readonly policy?: AttemptPolicy;
  /** What every key begins with. */
  readonly prefix?: string;
}

/**
 * Attempts in Redis, shared by all replicas: one script and so one round trip each. Names of accounts and addresses
 * do not appear in keys. Not for a Redis Cluster: a script's keys would live on several nodes.
 */
export function createRedisAttempts(
  redis: Redis,
  { policy = ATTEMPT_POLICY, prefix = 'kinship:' }: Options = {},
): Attempts {
  const begin = createScript(redis, BEGIN);
  const succeeded = createScript(redis, SUCCEEDED);
  const recovered = createScript(redis, RECOVERED);
  const take = createScript(redis, TAKE);
  const key = (kind: string, ...names: string[]) => `${prefix}${kind}:${nameless(...names)}`;

  const keysOf = ({ account, identifier, network }: AttemptSubject) => [
    key('known', account),
    key('pair', identifier, network),
    key('account', identifier),
    key('network', network),
  ];
  const numbers = [
    ...delaysOf(policy.account),
    ...delaysOf(policy.network),
    policy.knownFor,
    policy.knownNetworks,
  ];

  return {
    async begin(subject, now) {
      const answer = await begin(keysOf(subject), [now, nameless(subject.network), ...numbers]);
      const [wait, waitedFor] = answer as [number, number];
      if (wait <= 0) return { allowed: true };
      const counter = waitedFor === 2 ? 'network' : 'account';
      return { allowed: false, counter, retryAfter: wholeSeconds(wait) };
    },

    async recordSuccess(subject, now) {
      await succeeded(keysOf(subject), [now, nameless(subject.network), ...numbers]);
    },

    async recordRecovery({ account, identifiers, network }, now) {
      const keys = [key('known', account), ...identifiers.map((identifier) => key('account', identifier))];
      await recovered(keys, [now, nameless(network), policy.knownFor, policy.knownNetworks]);
    },

    async countAction(name, { count, perMilliseconds }, now) {
      const answer = await take([key('window', name)], [now, count, perMilliseconds]);
      const [left, wait] = answer as [number, number];
      return { allowed: left > 0, remaining: Math.max(0, left - 1), retryAfter: wholeSeconds(wait) };
    },
  };
}

function delaysOf({ free, firstDelay, longestDelay, quiet, forgetOneAfter }: DelayPolicy): number[] {
  return [free, firstDelay, longestDelay, quiet, forgetOneAfter ?? 0];
}

/** 128 bits of a hash: enough that no two names meet. */
function nameless(...names: string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest().subarray(0, 16).toString('base64url');
}
