import { ATTEMPT_POLICY, type AttemptPolicy } from '../domain/attempts.ts';
import type { Limits } from '../domain/limits.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

export function readLimits(variables: Variables, read: Readers): Limits {
  return {
    attempts: readAttempts(variables, read),
    logins: read.limit('LOGIN_RATE_LIMIT', variables.LOGIN_RATE_LIMIT),
    loginsOfNetwork: read.limit('LOGIN_RATE_NETWORK_LIMIT', variables.LOGIN_RATE_NETWORK_LIMIT),
    registrations: read.limit('REGISTER_LIMIT', variables.REGISTER_LIMIT),
    resetMails: read.limit('PASSWORD_FORGOT_LIMIT', variables.PASSWORD_FORGOT_LIMIT),
    revocationConsumers: read.integer('REVOCATIONS_CONSUMERS', variables.REVOCATIONS_CONSUMERS, 1, 10_000),
  };
}

/** The default policy with the values that operators may change. */
function readAttempts(variables: Variables, read: Readers): AttemptPolicy {
  const account = read.limit('LOGIN_ACCOUNT_LIMIT', variables.LOGIN_ACCOUNT_LIMIT);
  const network = read.limit('LOGIN_NETWORK_LIMIT', variables.LOGIN_NETWORK_LIMIT);
  const { firstDelay } = ATTEMPT_POLICY.account;
  const longestDelay = read.duration('LOGIN_LONGEST_WAIT', variables.LOGIN_LONGEST_WAIT, firstDelay);
  if (longestDelay >= Math.min(account.perMilliseconds, network.perMilliseconds)) {
    const wanted = 'less than the durations in LOGIN_ACCOUNT_LIMIT and LOGIN_NETWORK_LIMIT';
    read.reportInvalid('LOGIN_LONGEST_WAIT', variables.LOGIN_LONGEST_WAIT, wanted);
  }
  return {
    ...ATTEMPT_POLICY,
    account: { ...ATTEMPT_POLICY.account, free: account.count, longestDelay, quiet: account.perMilliseconds },
    network: {
      free: network.count,
      firstDelay,
      longestDelay,
      quiet: network.perMilliseconds,
      forgetOneAfter: Math.ceil(network.perMilliseconds / network.count),
    },
  };
}
