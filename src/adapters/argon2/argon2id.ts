import { argon2id, hash, needsRehash, verify } from 'argon2';
import { Refusal } from '../../domain/refusal.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';

/** `memory` in KiB, `time` in passes, `parallelism` in lanes. */
interface Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

/** Runs what is given when its turn comes. */
type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** How much is under way, and how much waits for its turn. */
interface TurnsTaken {
  running(): number;
  waiting(): number;
}

/**
 * At most `atOnce` pieces of work at a time: they run on the thread pool that signing needs too. The rest wait for
 * their turn, and are refused with `unavailable` when the queue is full.
 */
export function createTurns({ atOnce, queue }: { atOnce: number; queue: number }): Turns & TurnsTaken {
  let running = 0;
  const waiting: (() => void)[] = [];

  return Object.assign(inTurn, { running: () => running, waiting: () => waiting.length });

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    await turn();
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  async function turn(): Promise<void> {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (waiting.length >= queue)
      throw new Refusal('unavailable', undefined, { cause: new Error('too many hashes wait') });
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

/** argon2id of 32 raw bytes under a given salt. */
export function createArgon2id(turns: Turns) {
  return (material: Buffer, salt: Buffer, cost: Cost): Promise<Buffer> =>
    turns(() => hash(material, { ...optionsOf(cost), raw: true, salt, hashLength: 32 }));
}

/** Passwords over argon2id. */
export function createPasswordHasher(turns: Turns, cost: Cost): PasswordHasher {
  const options = optionsOf(cost);
  // Made ahead, so that the first unknown name takes no longer than the others.
  const nobody = turns(() => hash('nobody has this password', options));

  return {
    hash: (password) => turns(() => hash(password, options)),

    async verify(passwordHash, password) {
      const known = passwordHash ?? (await nobody);
      const right = await turns(() => verify(known, password));
      return right && passwordHash !== null;
    },

    isOutdated: (passwordHash) => needsRehash(passwordHash, options),
  };
}

function optionsOf({ memory, time, parallelism }: Cost) {
  return { type: argon2id, memoryCost: memory, timeCost: time, parallelism } as const;
}
