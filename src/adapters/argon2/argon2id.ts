import { normalizePassword, spellingsOf } from '../../domain/password.ts';
import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import { argon2Hashes } from './argon2-hashes.ts';
import type { FairQueue } from './fair-queue.ts';
import { argon2id, hash, needsRehash } from './library.ts';

/** `memory` in KiB, `time` in passes, `parallelism` in lanes. */
interface Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

/** Delays refusals, so that their time does not reveal the kind of the stored hash. */
interface RefusalTime {
  /** Minimum milliseconds of a refusal, for each Unicode form of the password that is tried. */
  readonly minimum: () => number;
  /** Milliseconds. Only differences count. */
  readonly clock: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Creates a function that computes 32 raw bytes with argon2id and a given salt. All its calls share one queue. */
export function createArgon2id(turns: FairQueue) {
  return (material: Buffer, salt: Buffer, cost: Cost): Promise<Buffer> =>
    turns('', () => hash(material, { ...optionsOf(cost), raw: true, salt, hashLength: 32 }));
}

export interface PasswordHasherOptions {
  readonly turns: FairQueue;
  readonly cost: Cost;
  /** Verifiers of hashes other than argon2. */
  readonly foreign: readonly HashVerifier[];
  readonly refusalTime: RefusalTime;
}

/** Creates a password hasher with argon2id, which also verifies hashes of other systems. */
export function createPasswordHasher({
  turns,
  cost,
  foreign,
  refusalTime,
}: PasswordHasherOptions): PasswordHasher {
  const options = optionsOf(cost);
  const verifiers = [argon2Hashes, ...foreign];
  // Computed at the start. Otherwise the first login of an unknown user would take longer than later logins.
  const dummyHash = turns('', () => hash('no account has this password', options));

  return {
    hash: (password, network) => turns(network, () => hash(normalizePassword(password), options)),

    async verify(passwordHash, password, network) {
      const spellings = spellingsOf(password);
      const verifier = passwordHash === null ? undefined : verifierOf(passwordHash);
      const stored = passwordHash === null || verifier === undefined ? await dummyHash : passwordHash;
      const { result: isMatch, took } = await turns(network, () =>
        measureTime(() => matchesAny(verifier ?? argon2Hashes, stored, spellings)),
      );
      if (isMatch && verifier !== undefined) return true;
      // The delay comes after the turn, so that it does not block other requests in the queue.
      const rest = refusalTime.minimum() * spellings.length - took;
      if (rest > 0) await refusalTime.sleep(rest);
      return false;
    },

    isOutdated: (passwordHash) =>
      !passwordHash.startsWith('$argon2id$') || needsRehash(passwordHash, options),
  };

  function verifierOf(passwordHash: string): HashVerifier | undefined {
    return verifiers.find((verifier) => verifier.kindOf(passwordHash) !== null);
  }

  async function measureTime<T>(work: () => Promise<T>) {
    const started = refusalTime.clock();
    const result = await work();
    return { result, took: refusalTime.clock() - started };
  }
}

async function matchesAny(
  verifier: HashVerifier,
  passwordHash: string,
  spellings: readonly string[],
): Promise<boolean> {
  for (const spelling of spellings) if (await verifier.verify(passwordHash, spelling)) return true;
  return false;
}

function optionsOf({ memory, time, parallelism }: Cost) {
  return { type: argon2id, memoryCost: memory, timeCost: time, parallelism } as const;
}
