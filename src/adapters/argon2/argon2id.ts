import { argon2id, hash, needsRehash, verify } from 'argon2';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { Turns } from './turns.ts';

/** `memory` in KiB, `time` in passes, `parallelism` in lanes. */
interface Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

/** Computes argon2id with a given salt, 32 raw bytes. All callers share one queue. */
export function createArgon2id(turns: Turns) {
  return (material: Buffer, salt: Buffer, cost: Cost): Promise<Buffer> =>
    turns('', () => hash(material, { ...optionsOf(cost), raw: true, salt, hashLength: 32 }));
}

/** Creates a password hasher with argon2id. */
export function createPasswordHasher(turns: Turns, cost: Cost): PasswordHasher {
  const options = optionsOf(cost);
  // Computed at the start, so that the first login of an unknown user takes no longer than later ones.
  const dummyHash = turns('', () => hash('no account has this password', options));

  return {
    hash: (password, network) => turns(network, () => hash(password, options)),

    async verify(passwordHash, password, network) {
      const expected = passwordHash ?? (await dummyHash);
      const isMatch = await turns(network, () => verify(expected, password));
      return isMatch && passwordHash !== null;
    },

    isOutdated: (passwordHash) => needsRehash(passwordHash, options),
  };
}

function optionsOf({ memory, time, parallelism }: Cost) {
  return { type: argon2id, memoryCost: memory, timeCost: time, parallelism } as const;
}
