import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import type { Faults } from './values.ts';

const NAMES = ['ACCESS_TOKEN_SIGN_KEY', 'REFRESH_TOKEN_SIGN_KEY', 'REFRESH_TOKEN_HASH_KEY'] as const;
type KeyName = (typeof NAMES)[number];

const LEAST_BYTES = 64;
const LEAST_DIFFERENT_CHARACTERS = 16;

/** The three key rings, newest key first; every key is checked, and none is used twice. */
export function readKeys(
  variables: Variables,
  { production, dataDir }: { production: boolean; dataDir: string },
  faults: Faults,
): Record<KeyName, NamedKey[]> {
  const rings = Object.fromEntries(
    NAMES.map((name) => {
      const given = variables[name].split(',').filter((key) => key !== '');
      for (const key of given) checkKey(name, key, production, faults);
      if (given.length > 0) return [name, given];
      if (production) faults.add(`${name} is not set and wants a key: npm run secrets makes one.`);
      return [name, production ? [] : [keptKey(dataDir, name)]];
    }),
  ) as Record<KeyName, string[]>;

  const all = NAMES.flatMap((name) => rings[name]);
  if (new Set(all).size < all.length) {
    faults.add(`${NAMES.join(', ')}: the same key is given twice; each wants keys of its own.`);
  }
  return Object.fromEntries(NAMES.map((name) => [name, rings[name].map(nameKey)])) as Record<
    KeyName,
    NamedKey[]
  >;
}

function checkKey(name: KeyName, key: string, production: boolean, faults: Faults): void {
  const length = Buffer.byteLength(key);
  if (length < LEAST_BYTES) {
    faults.add(`${name} got a key of ${length} bytes and wants ${LEAST_BYTES} or more.`);
  } else if (production && new Set(key).size < LEAST_DIFFERENT_CHARACTERS) {
    faults.add(`${name} got a weak key and wants a random one: npm run secrets makes one.`);
  }
}

/** The bytes are the text itself; the id is a prefix of a labelled hash, and tells nothing of the key. */
function nameKey(key: string): NamedKey {
  const bytes = Buffer.from(key);
  const id = createHash('sha256').update('kinship key id\0').update(bytes).digest('base64url').slice(0, 8);
  return { id, bytes };
}

/** A key made at the first start and kept; of two starts at once the first one's key counts for both. */
function keptKey(dataDir: string, name: KeyName): string {
  const folder = join(dataDir, 'keys');
  const path = join(folder, name.toLowerCase());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, randomBytes(64).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileSync(path, 'utf8');
}
