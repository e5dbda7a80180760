import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';

/** The key of a proof, with its thumbprint (RFC 7638, SHA-256). */
export interface ProofKey {
  readonly jkt: string;
  readonly key: CryptoKey;
}

/** Imports a public key that has only the members of its thumbprint. Rejects if the key is not valid. */
export type ImportProofKey = (jwk: JWK, alg: string) => Promise<ProofKey>;

/**
 * Keeps the `max` keys that were used last, because an import costs almost as much CPU time as a signature check. A
 * kept key grants nothing: each proof needs a signature of its own.
 */
export function createKeyImport(max: number): ImportProofKey {
  const kept = new Map<string, CryptoKey>();
  return async (jwk, alg) => {
    const jkt = await calculateJwkThumbprint(jwk);
    // One RSA key is two different keys for RS256 and PS256.
    const id = `${alg} ${jkt}`;
    const key = kept.get(id) ?? ((await importJWK(jwk, alg)) as CryptoKey);
    // A map keeps the order of insertion. So its first entry is the one with the oldest use.
    kept.delete(id);
    kept.set(id, key);
    for (const [oldest] of kept) {
      if (kept.size <= max) break;
      kept.delete(oldest);
    }
    return { jkt, key };
  };
}
