import { base64url, type CompactJWSHeaderParameters, compactVerify, type JWK } from 'jose';
import { invalidProof } from './errors.js';
import { PROOF_ALGORITHMS } from './proof-algorithms.js';
import type { ImportProofKey } from './proof-keys.js';

/** A proof whose form and signature are valid (RFC 9449 section 4.2). */
export interface Proof {
  /** The thumbprint (RFC 7638, SHA-256) of the key that signed the proof. */
  readonly jkt: string;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** Hash of the access token. */
  readonly ath: string;
  readonly nonce: string | null;
}

/** The maximum number of characters of a proof, and of each text in it. */
const MAX_PROOF = 4_096;
const MAX_TEXT = 2_048;

/** The members of a public key by its type (RFC 7518 section 6, RFC 8037 section 2). */
const PUBLIC_MEMBERS = new Map([
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
  ['RSA', ['n', 'e']],
]);

/** The private members of all types of keys, and the secret member of symmetric keys. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Verifies the form, the key and the signature of a proof. Throws `invalid_dpop_proof`. */
export async function readProof(text: string, importKey: ImportProofKey): Promise<Proof> {
  try {
    if (text.length > MAX_PROOF) throw new Error('The proof is too long.');
    let jkt = '';
    const { payload } = await compactVerify(
      text,
      async (header) => {
        const imported = await importKey(publicKeyIn(header), header.alg);
        jkt = imported.jkt;
        return imported.key;
      },
      { algorithms: [...PROOF_ALGORITHMS] },
    );
    const claims = claimsIn(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
    return { jkt, ...claims };
  } catch (cause) {
    throw invalidProof(
      'The DPoP header must hold one proof: a JWS as in RFC 9449, with a supported algorithm and its public key.',
      cause,
    );
  }
}

/** The `ath` of an access token: its SHA-256, base64url (RFC 9449 section 4.2). */
export async function hashToken(token: string): Promise<string> {
  return base64url.encode(await sha256(token));
}

export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** Reads the key in the header. Ignores its other members, so that `alg`, `use` or `key_ops` select nothing. */
function publicKeyIn({ typ, jwk, crit }: CompactJWSHeaderParameters): JWK {
  const given = Object(jwk) as Record<string, unknown>;
  if (typ !== 'dpop+jwt' || crit !== undefined) throw new Error('The type is not dpop+jwt.');
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(given, name))) throw new Error('The key is not public.');
  const kty = String(given.kty);
  const members = PUBLIC_MEMBERS.get(kty);
  if (members === undefined || !members.every((name) => typeof given[name] === 'string'))
    throw new Error('The key is incomplete, or of an unknown type.');
  if (kty === 'RSA' && !isUsualRsa(String(given.n), String(given.e)))
    throw new Error('The RSA key has an unusual size.');
  return { kty, ...Object.fromEntries(members.map((name) => [name, given[name]])) };
}

/**
 * RSA keys of 2048 to 4096 bits with an exponent of at most 32 bits. A larger exponent makes a check as slow as a
 * signature.
 */
function isUsualRsa(n: string, e: string): boolean {
  return n.length >= 342 && n.length <= 683 && e.length <= 6;
}

function claimsIn(payload: unknown): Omit<Proof, 'jkt'> {
  const { jti, htm, htu, iat, ath, nonce = null } = Object(payload) as Record<string, unknown>;
  if (!isText(jti) || !isText(htm) || !isText(htu) || !isText(ath) || !Number.isFinite(iat))
    throw new Error('A claim is missing, or of a wrong type.');
  if (nonce !== null && !isText(nonce)) throw new Error('The nonce is no text, or is too long.');
  return { jti, htm, htu, iat: iat as number, ath, nonce };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}
