import { unavailable } from './errors.js';
import { createIdSet } from './id-set.js';
import { sha256 } from './proof.js';

/**
 * Notes the use of a proof. Resolves with false if it was used before. `id` is a hash of 32 characters, and must be
 * kept for `seconds`.
 */
export type UseProof = (id: string, seconds: number) => Promise<boolean>;

/** The id under which a proof is kept. Its length does not depend on the `jti` that the client chose. */
export async function proofId(jkt: string, jti: string): Promise<string> {
  const bytes = await sha256(`${jkt} ${jti}`);
  return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Keeps at most `max` used proofs in memory. A proof is forgotten only when it is no longer valid. If the memory is
 * full, a use rejects with `unavailable`.
 */
export function createUsedProofs(max: number): UseProof {
  const used = createIdSet(max);
  return async (id, seconds) => {
    const now = Math.floor(Date.now() / 1000);
    used.dropBefore(now - seconds);
    const words = Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(id.slice(at, at + 8), 16));
    if (used.has(words)) return false;
    if (!used.add(words, now)) throw unavailable('Too many proofs were used within two minutes.');
    return true;
  };
}
