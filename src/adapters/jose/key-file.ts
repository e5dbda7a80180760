import { calculateJwkThumbprint, type JWK } from 'jose';
import type { SigningKey } from '../../domain/key-set.ts';
import { algorithmOf, importKey, UnusableKey } from './import-key.ts';
import type { OpenKey } from './key-set.ts';

/**
 * The keys of a JWK Set (RFC 7517 section 5), newest first: the first signs, all of them are published. One that
 * only checks may be there in its public part alone. Rejects with {@link UnusableKey}.
 */
export async function readKeyFile(text: string): Promise<readonly OpenKey[]> {
  const jwks = keysIn(text);
  const keys = await Promise.all(
    jwks.map((jwk, index) =>
      readKey(jwk, turnOf(index)).catch((error) => {
        if (!(error instanceof UnusableKey)) throw error;
        throw new UnusableKey(`key ${index + 1} ${error.message}`, { cause: error });
      }),
    ),
  );
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new UnusableKey('has one kid twice');
  if (keys[0]?.sign === null) throw new UnusableKey('key 1 is to sign, and has no private part');
  return keys;
}

function keysIn(text: string): JWK[] {
  const wanted = 'is no JWK Set with a key in it';
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    if (Array.isArray(keys) && keys.length > 0 && keys.every(isObject)) return keys;
  } catch {
    throw new UnusableKey(wanted); // the cause would quote from the file
  }
  throw new UnusableKey(wanted);
}

function isObject(value: unknown): value is JWK {
  return typeof value === 'object' && value !== null;
}

async function readKey(jwk: JWK, turn: Turn): Promise<OpenKey> {
  const alg = algorithmOf(jwk);
  if (alg === null) throw new UnusableKey('is not for EdDSA (Ed25519), ES256 (P-256) or RS256');
  if ((jwk.alg ?? alg) !== alg) throw new UnusableKey(`is a key for ${alg}, and says another alg`);
  if ((jwk.use ?? 'sig') !== 'sig') throw new UnusableKey('is not for signing, as its use says');
  const id = typeof jwk.kid === 'string' && jwk.kid !== '' ? jwk.kid : await thumbprint(jwk);
  return { ...turn, ...(await importKey(jwk, id, alg)) };
}

type Turn = Pick<SigningKey, 'number' | 'announcedAt' | 'signsFrom'>;

/** The place in the file is all that counts: the first signs, the turn of the others never comes. */
function turnOf(index: number): Turn {
  return { number: index, announcedAt: 0, signsFrom: index === 0 ? 0 : Number.POSITIVE_INFINITY };
}

function thumbprint(jwk: JWK): Promise<string> {
  return calculateJwkThumbprint(jwk).catch((cause) => {
    throw new UnusableKey('is not a whole key', { cause });
  });
}
