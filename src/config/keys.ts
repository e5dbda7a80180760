import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import { keptKey } from './kept-key.ts';
import { type Faults, list, reasonOf, shown } from './values.ts';

/** The least length of each key in bytes. */
const LEAST_BYTES = {
  ACCESS_TOKEN_SIGN_KEY: 64,
  REFRESH_TOKEN_SIGN_KEY: 64,
  REFRESH_TOKEN_HASH_KEY: 64,
  KEY_SET_ENCRYPTION_KEY: 32,
} as const;

type KeyName = keyof typeof LEAST_BYTES;

/** Sixteen would refuse a quarter of all random keys of 64 hexadecimal digits: they miss a digit that often. */
const LEAST_DIFFERENT_CHARACTERS = 10;
const PLACEHOLDER = /change.?(me|this)|replace.?(me|this)|placeholder|example|secret|password|insecure/i;

interface Place {
  readonly production: boolean;
  readonly dataDir: string;
}

/**
 * The key rings, newest key first; every key is checked, and none is used twice. Keys that are not given are made
 * and kept, but not in production. Where nothing is to be sealed the encryption keys may be missing.
 */
export function readKeys(
  variables: Variables,
  place: Place,
  seals: boolean,
  faults: Faults,
): Record<KeyName, readonly NamedKey[]> {
  const ring = (name: KeyName) => readRing(name, variables[name], place, faults);
  const noEncryption =
    !seals && variables.KEY_SET_ENCRYPTION_KEY === '' && !isKept('KEY_SET_ENCRYPTION_KEY', place);
  const rings = {
    ACCESS_TOKEN_SIGN_KEY: ring('ACCESS_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_SIGN_KEY: ring('REFRESH_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_HASH_KEY: ring('REFRESH_TOKEN_HASH_KEY'),
    KEY_SET_ENCRYPTION_KEY: noEncryption ? [] : ring('KEY_SET_ENCRYPTION_KEY'),
  };
  const ids = Object.values(rings).flatMap((keys) => keys.map(({ id }) => id));
  if (new Set(ids).size < ids.length) {
    faults.add(`${Object.keys(rings).join(', ')}: the same key is given twice; each wants keys of its own.`);
  }
  return rings;
}

function readRing(name: KeyName, value: string, place: Place, faults: Faults): NamedKey[] {
  const { production, dataDir } = place;
  const given = list(value);
  if (given.length === 0 && !production) return readKept(name, dataDir, faults);
  if (given.length === 0) faults.add(`${name} is not set and wants a key: npm run secrets makes one.`);
  for (const key of given) {
    checkLength(name, name, key, faults);
    if (production && isWeak(key)) {
      faults.add(`${name} got a weak key and wants a random one: npm run secrets makes one.`);
    }
  }
  return given.map(nameKey);
}

function readKept(name: KeyName, dataDir: string, faults: Faults): NamedKey[] {
  const path = pathOf(name, dataDir);
  try {
    const key = keptKey(path);
    checkLength(name, `${name} in ${shown(path)}`, key, faults);
    return [nameKey(key)];
  } catch (error) {
    const wants = 'a folder where keys can be kept';
    faults.add(`DATA_DIR got ${shown(dataDir)} (${reasonOf(error)}) and wants ${wants}.`);
    return [];
  }
}

function isKept(name: KeyName, { production, dataDir }: Place): boolean {
  return !production && existsSync(pathOf(name, dataDir));
}

function pathOf(name: KeyName, dataDir: string): string {
  return join(dataDir, 'keys', name.toLowerCase());
}

function checkLength(name: KeyName, where: string, key: string, faults: Faults): void {
  const length = Buffer.byteLength(key);
  if (length < LEAST_BYTES[name]) {
    faults.add(`${where} got a key of ${length} bytes and wants ${LEAST_BYTES[name]} or more.`);
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
