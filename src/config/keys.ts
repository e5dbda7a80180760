import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import { keptKey } from './kept-key.ts';
import { type Faults, list, reasonOf, shown } from './values.ts';

type KeyName = 'ACCESS_TOKEN_SIGN_KEY' | 'REFRESH_TOKEN_SIGN_KEY' | 'REFRESH_TOKEN_HASH_KEY';

const LEAST_BYTES = 64;
/** Sixteen would refuse a quarter of all random keys of 64 hexadecimal digits: they miss a digit that often. */
const LEAST_DIFFERENT_CHARACTERS = 10;
const PLACEHOLDER = /change.?(me|this)|replace.?(me|this)|placeholder|example|secret|password|insecure/i;

interface Place {
  readonly production: boolean;
  readonly dataDir: string;
}

/**
 * The three key rings, newest key first; every key is checked, and none is used twice. Keys that are not given are
 * made and kept, but not in production.
 */
export function readKeys(
  variables: Variables,
  place: Place,
  faults: Faults,
): Record<KeyName, readonly NamedKey[]> {
  const ring = (name: KeyName) => readRing(name, variables[name], place, faults);
  const rings = {
    ACCESS_TOKEN_SIGN_KEY: ring('ACCESS_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_SIGN_KEY: ring('REFRESH_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_HASH_KEY: ring('REFRESH_TOKEN_HASH_KEY'),
  };
  const ids = Object.values(rings).flatMap((keys) => keys.map(({ id }) => id));
  if (new Set(ids).size < ids.length) {
    faults.add(`${Object.keys(rings).join(', ')}: the same key is given twice; each wants keys of its own.`);
  }
  return rings;
}

function readRing(name: KeyName, value: string, { production, dataDir }: Place, faults: Faults): NamedKey[] {
  const given = list(value);
  if (given.length === 0 && !production) return readKept(name, dataDir, faults);
  if (given.length === 0) faults.add(`${name} is not set and wants a key: npm run secrets makes one.`);
  for (const key of given) {
    checkLength(name, key, faults);
    if (production && isWeak(key)) {
      faults.add(`${name} got a weak key and wants a random one: npm run secrets makes one.`);
    }
  }
  return given.map(nameKey);
}

function readKept(name: KeyName, dataDir: string, faults: Faults): NamedKey[] {
  const path = join(dataDir, 'keys', name.toLowerCase());
  try {
    const key = keptKey(path);
    checkLength(`${name} in ${shown(path)}`, key, faults);
    return [nameKey(key)];
  } catch (error) {
    const wants = 'a folder where keys can be kept';
    faults.add(`DATA_DIR got ${shown(dataDir)} (${reasonOf(error)}) and wants ${wants}.`);
    return [];
  }
}

function checkLength(name: string, key: string, faults: Faults): void {
  const length = Buffer.byteLength(key);
  if (length < LEAST_BYTES) {
    faults.add(`${name} got a key of ${length} bytes and wants ${LEAST_BYTES} or more.`);
  }
}

function isWeak(key: string): boolean {
  return new Set(key).size < LEAST_DIFFERENT_CHARACTERS || PLACEHOLDER.test(key);
}

/** The bytes are the text itself; the id is a prefix of a labelled hash, and tells nothing of the key. */
function nameKey(key: string): NamedKey {
  const bytes = Buffer.from(key);
  const id = createHash('sha256').update('kinship key id\0').update(bytes).digest('base64url').slice(0, 8);
  return { id, bytes };
}
