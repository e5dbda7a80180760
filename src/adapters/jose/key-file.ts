import { readFile } from 'node:fs/promises';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { KeyAlgorithm, KeySchedule } from '../../domain/key-set.ts';
import { algorithmOf, assertMaySign, importKey, UnusableKey } from './import-key.ts';
import type { OpenKey } from './key-set.ts';

/** The text of a file with keys. Rejects with {@link UnusableKey}. */
export async function readKeyText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UnusableKey(error instanceof Error && 'code' in error ? String(error.code) : 'unreadable');
  }
}

/** Reads the keys of a file as {@link readKeys} does. */
export async function readKeyFile(path: string, required: KeyAlgorithm | null): Promise<readonly OpenKey[]> {
  return readKeys(await readKeyText(path), required);
}

/**
 * Reads the keys of a JWK Set (RFC 7517 section 5), newest first. The first key signs, and has the algorithm `required`
 * unless that is null. All keys are published. A key that only verifies needs no private part. Rejects with {@link
 * UnusableKey}.
 */
export async function readKeys(text: string, required: KeyAlgorithm | null): Promise<readonly OpenKey[]> {
  const jwks = parseKeys(text);
  const keys = await Promise.all(
    jwks.map((jwk, index) =>
      readKey(jwk, scheduleOf(index)).catch((error) => {
        if (!(error instanceof UnusableKey)) throw error;
        throw new UnusableKey(`key ${index + 1} ${error.message}`, { cause: error });
      }),
    ),
  );
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new UnusableKey('has two keys with the same kid');
  const [first] = keys;
  if (first?.sign === null) throw new UnusableKey('key 1 must sign, but has no private part');
  if (required !== null && first?.alg !== required)
    throw new UnusableKey(
      `key 1 must sign: ACCESS_TOKEN_ALG names ${required}, but the key is for ${first?.alg}`,
    );
  return keys;
}

function parseKeys(text: string): JWK[] {
  const fault = 'is not a JWK Set with at least one key';
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    if (Array.isArray(keys) && keys.length > 0 && keys.every(isObject)) return keys;
  } catch {
    throw new UnusableKey(fault); // the cause would quote the file
  }
  throw new UnusableKey(fault);
}

function isObject(value: unknown): value is JWK {
  return typeof value === 'object' && value !== null;
}

async function readKey(jwk: JWK, schedule: KeySchedule): Promise<OpenKey> {
  const alg = algorithmOf(jwk);
  if (alg === null) throw new UnusableKey('is not for EdDSA (Ed25519), ES256 (P-256) or RS256');
  if ((jwk.alg ?? alg) !== alg) throw new UnusableKey(`is a key for ${alg}, but names another alg`);
  if ((jwk.use ?? 'sig') !== 'sig') throw new UnusableKey('is not for signing: its use is not sig');
  const id = typeof jwk.kid === 'string' && jwk.kid !== '' ? jwk.kid : await computeThumbprint(jwk);
  const key = await importKey(jwk, id, alg);
  if (schedule.signsFrom === 0) assertMaySign(key.publicKey);
  return { ...schedule, ...key };
}

/** Only the position in the file counts: the first key signs, the others never do. */
function scheduleOf(index: number): KeySchedule {
  return { number: index, announcedAt: 0, signsFrom: index === 0 ? 0 : Number.POSITIVE_INFINITY };
}

function computeThumbprint(jwk: JWK): Promise<string> {
  return calculateJwkThumbprint(jwk).catch((cause) => {
    throw new UnusableKey('is incomplete or malformed', { cause });
  });
}
