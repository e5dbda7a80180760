import type { ReceivedRequest } from './credentials.js';
import { invalidProof, nonceNeeded, unavailable, VerifyError } from './errors.js';
import { createNonces, type DpopNonces } from './nonces.js';
import { hashToken, type Proof, readProof } from './proof.js';
import { createKeyImport } from './proof-keys.js';
import { isSameUrl } from './same-url.js';
import { createUsedProofs, proofId, type UseProof } from './used-proofs.js';

export interface DpopOptions {
  /**
   * The URL under which clients reach this application, such as `https://api.example.com`. Proofs name this URL.
   * Default: scheme and host of each request. Set it behind a proxy, or if the application answers for any host.
   */
  readonly publicUrl?: string;
  /**
   * The maximum number of used proofs in memory. Each is kept for 135 seconds. If the memory is full, requests get 503.
   * Default 1,000,000, in 42 MB, and for a moment in 84 MB.
   */
  readonly maxProofs?: number;
  /**
   * Stores used proofs where several processes see them. Default: memory, so that a process sees only its own proofs.
   */
  readonly useProof?: UseProof;
  /**
   * Requires a nonce in each proof (RFC 9449 section 9), so that no proof can be made in advance. The value is a secret
   * of 32 characters or more, which all processes share. During a change of the secret it is a list, newest first. Or
   * it is an object that makes and checks nonces. Default: no nonces.
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
 * Checks the proof of a request (RFC 9449 section 4.3). Resolves with the nonce that the answer should send, or null if
 * the proof has the current nonce or needs none. Rejects with `invalid_dpop_proof`, `use_dpop_nonce` or `unavailable`.
 */
export type CheckProof = (request: ReceivedRequest, expected: Expected) => Promise<string | null>;

/** Seconds between the making of a proof and its arrival. */
const MAX_AGE = 60;
/** Seconds by which the clocks of the client and of this machine may differ. */
const LEEWAY = 5;
/**
 * Seconds for which a used proof is kept. No proof is valid for longer, whatever time it states. The leeway counts
 * three times: another machine that shares the store may be behind this one.
 */
const KEPT = 2 * MAX_AGE + 3 * LEEWAY;
/** The maximum number of client keys in memory. */
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
    const current = await callApplication('There is no nonce at the moment.', () => nonces.current());
    try {
      const proof = await check(request, expected);
      // This check comes before `useOnce`: a refusal for the nonce does not use the proof, and takes no memory.
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
      publicUrl === undefined ? request.url : toPublicUrl(request.url, publicUrl),
    );
    if (proof.ath !== (await hashToken(token)))
      throw invalidProof('The proof was made for another access token, or without an access token.');
    return proof;
  }

  /** Refuses a proof that was used before. The last check, so that only proofs of the token's own key take memory. */
  async function useOnce({ jkt, jti }: Proof): Promise<void> {
    const id = await proofId(jkt, jti);
    const message = 'It is not known at the moment whether the proof was used before.';
    if (!(await callApplication(message, () => useProof(id, KEPT))))
      throw invalidProof('The proof was used before: make a new one for each request.');
  }
}

function toNonces(nonce: NonNullable<DpopOptions['nonce']>): DpopNonces {
  return typeof nonce === 'object' && 'isValid' in nonce ? nonce : createNonces([nonce].flat());
}

function isValid(nonces: DpopNonces, nonce: string): Promise<boolean> {
  return callApplication('The nonce of the proof cannot be checked at the moment.', () =>
    nonces.isValid(nonce),
  );
}

/**
 * Calls a function of the application. If it fails, nothing is known about the token, so the refusal is `unavailable`.
 */
async function callApplication<T>(message: string, ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw unavailable(message, { cause: error });
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

/** The URL that clients see: the public URL with the path of the request. */
function toPublicUrl(url: string, publicUrl: string): string {
  return URL.canParse(url) ? `${publicUrl.replace(/\/+$/, '')}${new URL(url).pathname}` : url;
}
