import { createPasswordHasher, type PasswordHasherOptions } from '../../src/adapters/argon2/argon2id.ts';
import { createFairQueue } from '../../src/adapters/argon2/fair-queue.ts';
import { foreignPasswords } from '../../src/adapters/foreign-passwords/foreign-passwords.ts';

/** The password of the accounts that tests register. */
export const PASSWORD = 'a violet piano 42';

/** The cost of a password hash: the lowest possible, so that tests are fast. */
export const PASSWORD_COST = { memory: 1024, time: 2, parallelism: 1 };

/** A fast password hasher. It does not delay the answer to a wrong password. */
export function passwordHasher(options: Partial<PasswordHasherOptions> = {}) {
  return createPasswordHasher({
    turns: createFairQueue({ maxRunning: 4, maxWaiting: 200 }),
    cost: PASSWORD_COST,
    foreign: foreignPasswords,
    refusalTime: { minimum: () => 0, clock: () => performance.now(), sleep: async () => {} },
    ...options,
  });
}
