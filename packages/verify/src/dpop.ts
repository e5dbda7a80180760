import type { ReceivedRequest } from './credentials.js';
import { invalidProof, nonceNeeded, unavailable, VerifyError } from './errors.js';
import { createNonces, type DpopNonces } from './nonces.js';
import { hashToken, type Proof, readProof } from './proof.js';
import { createKeyImport } from './proof-keys.js';
import { isSameUrl } from './same-url.js';
import { createUsedProofs, proofId, type UseProof } from './used-proofs.js';

export interface DpopOptions {
  /**
   * The URL under which clients reach this application, such as `https://api.example.com`. Proofs name it. Default: the
   * host of each request, which is not enough behind a proxy that changes it.
   */
  readonly publicUrl?: string;
  /** Used proofs that are kept in memory. With more of them within 130 seconds: 503. Default 1,000,000, in 42 MB. */
  readonly maxProofs?: number;
  /** Keeps used proofs elsewhere, where several processes see them. Default: memory, so a process sees its own. */
  readonly useProof?: UseProof;
  /**
   * Proofs need a nonce (RFC 9449 section 9), so that none can be made in advance. A secret of 32 characters or more that
   * all processes share, or several while it is replaced, the new one first; or functions that make and check nonces.
   * Default: no nonces.
   */
  readonly nonce?: string | readonly string[] | DpopNonces;
}

/** What a proof must match besides the request. */
interface Expected {
  /** The thumbprint of the key to which the token is bound. */
  readonly jkt: string;
  readonly token: string;
}

/**
 * Checks the proof of a request (RFC 9449 section 4.3). Resolves with the nonce that the answer should send: null if the
 * proof has the current one, or needs none. Rejects with `invalid_dpop_proof`, `use_dpop_nonce` or `unavailable`.
 */
export type CheckProof = (request: ReceivedRequest, expected: Expected) => Promise<string | null>;

/** Seconds between the making of a proof and its arrival. */
const MAX_AGE = 60;
/** Seconds by which the clocks of the client and of this machine may differ. */
const LEEWAY = 5;
/** Seconds. A proof of the latest accepted time is valid for so long. */
const KEPT = 2 * (MAX_AGE + LEEWAY);
/** Keys of clients that are kept in memory. */
const MAX_KEYS = 1_000;

export function createProofCheck({
  publicUrl,
  maxProofs = 1_000_000,
  useProof = createUsedProofs(maxProofs),
  nonce,
}: DpopOptions): CheckProof {
  const importKey = createKeyImport(MAX_KEYS);
  const nonces = nonce === undefined ? null : toNonces(nonce);

  return async (request, expected) => {
    if (nonces === null) {
      await useOnce(await check(request, expected));
      return null;
    }
    const current = await orUnavailable('There is no nonce at the moment.', () => nonces.current());
    try {
      const proof = await check(request, expected);
      // The proof is not used up by a refusal for its nonce, and takes no memory.
      if (proof.nonce === null || !(await isValid(nonces, proof.nonce))) throw nonceNeeded();
      await useOnce(proof);
      return proof.nonce === current ? null : current;
    } catch (error) {
      throw error instanceof VerifyError && error.code !== 'unavailable' ? error.withNonce(current) : error;
    }
  };

  async function check(request: ReceivedRequest, { jkt, token }: Expected): Promise<Proof> {
    const text = request.headers.get('dpop');
    if (!text) throw invalidProof('The token is bound to a key: send a proof in the header DPoP.');
    const proof = await readProof(text, importKey);
    if (proof.jkt !== jkt) throw invalidProof('The proof was made with another key than that of the token.');
    checkRequest(
      proof,
      request.method,
      publicUrl === undefined ? request.url : publish(request.url, publicUrl),
    );
    if (proof.ath !== (await hashToken(token)))
      throw invalidProof('The proof was made for another access token, or without an access token.');
    return proof;
  }

  /** The last check: only proofs of the token's own key take memory. */
  async function useOnce({ jkt, jti }: Proof): Promise<void> {
    const id = await proofId(jkt, jti);
    const message = 'It is not known at the moment whether the proof was used before.';
    if (!(await orUnavailable(message, () => useProof(id, KEPT))))
      throw invalidProof('The proof was used before: make a new one for each request.');
  }
}

function toNonces(nonce: NonNullable<DpopOptions['nonce']>): DpopNonces {
  return typeof nonce === 'object' && 'isValid' in nonce ? nonce : createNonces([nonce].flat());
}

function isValid(nonces: DpopNonces, nonce: string): Promise<boolean> {
  return orUnavailable('The nonce of the proof cannot be checked at the moment.', () =>
    nonces.isValid(nonce),
  );
}

/** The result of a function of the application. If it fails, nothing is known about the token. */
async function orUnavailable<T>(message: string, ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw unavailable(message, error);
  }
}

function checkRequest({ htm, htu, iat }: Proof, method: string, url: string): void {
  if (htm !== method || !isSameUrl(htu, url))
    throw invalidProof(
      'The proof was made for another method or URL. A proxy may hide them from this server.',
    );
  if (Math.abs(Date.now() / 1000 - iat) > MAX_AGE + LEEWAY)
    throw invalidProof(
      'The proof was made too long ago, or in the future. Compare the clock of the client with the Date header.',
    );
}

/** The path of a request under the URL that clients see. */
function publish(url: string, publicUrl: string): string {
  return URL.canParse(url) ? `${publicUrl.replace(/\/+$/, '')}${new URL(url).pathname}` : url;
}
