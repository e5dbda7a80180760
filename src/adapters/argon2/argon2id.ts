import { argon2id, hash } from 'argon2';
import { Refusal } from '../../domain/refusal.ts';

interface Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

/**
 * argon2id (RFC 9106), raw bytes out, at most `atOnce` at a time: it works on the thread pool that signing needs
 * too. The rest wait for their turn, and are refused with `unavailable` when the queue is full.
 */
export function createArgon2id({ atOnce, queue }: { atOnce: number; queue: number }) {
  let running = 0;
  const waiting: (() => void)[] = [];

  return async (material: Buffer, salt: Buffer, cost: Cost): Promise<Buffer> => {
    await turn();
    try {
      return await hash(material, {
        type: argon2id,
        raw: true,
        salt,
        hashLength: 32,
        memoryCost: cost.memory,
        timeCost: cost.time,
        parallelism: cost.parallelism,
      });
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };

  async function turn(): Promise<void> {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (waiting.length >= queue) throw new Refusal('unavailable', 'Too many password hashes at once.');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}
