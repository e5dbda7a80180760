import { hash } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose';
import { DPOP_ALGORITHMS, type DpopProof } from '../../domain/dpop.ts';
import type { DpopProofs } from '../../ports/security/dpop.ts';
import { type Header, readCompact } from './compact.ts';

const TYPE = 'dpop+jwt';

/** The members of a public key by its type (RFC 7518 section 6, RFC 8037 section 2). */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};

/** The private members of all types of keys, and `k`, the secret of symmetric keys. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Maximum characters of a `jti`, and of each other text in a proof. */
const MAX_TEXT = 2_048;

/** Creates the reader of proofs. It verifies each proof with the key in the header of the proof. */
export function createDpopProofs(): DpopProofs {
  return {
    async read(text) {
      const parts = readCompact(text);
      const key = parts && readKey(parts.header);
      const claims = parts && readClaims(parts.payload);
      if (!key || !claims || !(await isSigned(text, key))) return null;
      return { jkt: await calculateJwkThumbprint(key.jwk), ...claims };
    },

    hashAccessToken: (token) => hash('sha256', token, 'base64url'),
  };
}

interface ProofKey {
  readonly jwk: JWK;
  readonly alg: string;
}

/** Reads the public key in the header. Null if the header is not the header of a proof (RFC 9449 section 4.2). */
function readKey({ typ, alg, jwk, crit }: Header): ProofKey | null {
  if (typ !== TYPE || crit !== undefined || !isAlgorithm(alg)) return null;
  const given = Object(jwk) as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(given, name))) return null;
  const kty = String(given.kty);
  const members = Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : undefined;
  if (members === undefined || members.some((name) => typeof given[name] !== 'string')) return null;
  if (kty === 'RSA' && !isUsualRsa(String(given.n), String(given.e))) return null;
  // No other member is used: `alg`, `use` or `key_ops` of the key must not select anything.
  return { jwk: { kty, ...Object.fromEntries(members.map((name) => [name, given[name]])) }, alg };
}

function isAlgorithm(alg: unknown): alg is string {
  return DPOP_ALGORITHMS.some((known) => known === alg);
}

/**
 * Whether an RSA key has 2048 to 4096 bits, and an exponent of at most 32 bits. A larger exponent makes a verification
 * as slow as a signature.
 */
function isUsualRsa(n: string, e: string): boolean {
  return n.length >= 342 && n.length <= 683 && e.length <= 6;
}

function readClaims(payload: Record<string, unknown>): Omit<DpopProof, 'jkt'> | null {
  const { jti, htm, htu, iat, ath = null, nonce = null } = payload;
  if (!isText(jti) || !isText(htm) || !isText(htu) || !Number.isFinite(iat)) return null;
  if ((ath !== null && !isText(ath)) || (nonce !== null && !isText(nonce))) return null;
  return { jti, htm, htu, iat: iat as number, ath, nonce };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}

/** Whether the signature is valid. False also if the key is not valid, or does not fit the algorithm. */
async function isSigned(text: string, { jwk, alg }: ProofKey): Promise<boolean> {
  try {
    await compactVerify(text, await importJWK(jwk, alg), { algorithms: [alg] });
    return true;
  } catch {
    return false;
  }
}
