import { argon2id, hash, needsRehash, verify } from 'argon2';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { Turns } from './turns.ts';

/** `memory` in KiB, `time` in passes, `parallelism` in lanes. */
interface Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

/** argon2id of 32 raw bytes under a given salt. All callers share one queue. */
export function createArgon2id(turns: Turns) {
  return (material: Buffer, salt: Buffer, cost: Cost): Promise<Buffer> =>
    turns('', () => hash(material, { ...optionsOf(cost), raw: true, salt, hashLength: 32 }));
}

/** Passwords over argon2id. */
export function createPasswordHasher(turns: Turns, cost: Cost): PasswordHasher {
  const options = optionsOf(cost);
  // Made ahead, so that the first unknown name takes no longer than the others.
  const nobody = turns('', () => hash('nobody has this password', options));

  return {
    hash: (password, network) => turns(network, () => hash(password, options)),

    async verify(passwordHash, password, network) {
      const known = passwordHash ?? (await nobody);
      const right = await turns(network, () => verify(known, password));
      return right && passwordHash !== null;
    },

    isOutdated: (passwordHash) => needsRehash(passwordHash, options),
  };
}

function optionsOf({ memory, time, parallelism }: Cost) {
  return { type: argon2id, memoryCost: memory, timeCost: time, parallelism } as const;
}
