import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '../lib/command-line.ts';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import { readStoredKey } from './stored-key.ts';
import { fileFault, list, type MessageCollector, quote } from './values.ts';

/** The minimum length of each key in bytes. */
const MIN_BYTES = {
  ACCESS_TOKEN_SIGN_KEY: 64,
  REFRESH_TOKEN_SIGN_KEY: 64,
  REFRESH_TOKEN_HASH_KEY: 64,
  KEY_SET_ENCRYPTION_KEY: 32,
  DATA_ENCRYPTION_KEY: 32,
} as const;

type KeyName = keyof typeof MIN_BYTES;

/**
 * A key with fewer different characters is weak. A limit of 16 would be too high: nearly a quarter of all random
 * keys of 64 hexadecimal digits lack some digit.
 */
const MIN_DIFFERENT_CHARACTERS = 10;
const PLACEHOLDER = /change.?(me|this)|replace.?(me|this)|placeholder|example|secret|password|insecure/i;

export interface KeyOptions {
  readonly production: boolean;
  readonly dataDir: string;
  /** Whether a key that is missing is generated. */
  readonly createKeys: boolean;
  /** Called with the name of each key that is generated. */
  onKeyCreated(name: string): void;
}

/**
 * Reads the keys of each purpose, newest first. Reports keys that are too short or used twice, and in production weak
 * keys. Outside production, an unset key is read from DATA_DIR, where the first start makes it. KEY_SET_ENCRYPTION_KEY
 * is optional if no signing keys are sealed.
 */
export function readKeys(
  variables: Variables,
  options: KeyOptions,
  seals: boolean,
  faults: MessageCollector,
): Record<KeyName, readonly NamedKey[]> {
  const read = (name: KeyName) => readKeysOf(name, variables[name], options, faults);
  const hasNoEncryption =
    !seals && variables.KEY_SET_ENCRYPTION_KEY === '' && !isStored('KEY_SET_ENCRYPTION_KEY', options);
  const keys = {
    ACCESS_TOKEN_SIGN_KEY: read('ACCESS_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_SIGN_KEY: read('REFRESH_TOKEN_SIGN_KEY'),
    REFRESH_TOKEN_HASH_KEY: read('REFRESH_TOKEN_HASH_KEY'),
    KEY_SET_ENCRYPTION_KEY: hasNoEncryption ? [] : read('KEY_SET_ENCRYPTION_KEY'),
    DATA_ENCRYPTION_KEY: read('DATA_ENCRYPTION_KEY'),
  };
  reportRepeatedKeys(keys, faults);
  return keys;
}

function readKeysOf(name: KeyName, value: string, options: KeyOptions, faults: MessageCollector): NamedKey[] {
  const { production } = options;
  const given = list(value);
  if (given.length === 0 && !production) return readStored(name, options, faults);
  const remedy = `Take the line ${name} from the output of ${commandLine('secrets')}.`;
  if (given.length === 0) faults.add(`${name} is not set. ${remedy}`);
  for (const key of given) {
    if (isShort(name, key)) reportShort(name, name, key, faults);
    else if (production && isWeak(key)) faults.add(`${name} has a weak key. ${remedy}`);
  }
  return given.map(nameKey);
}

/** Adds one fault for each key that is set more than once. */
function reportRepeatedKeys(
  keys: Readonly<Record<string, readonly NamedKey[]>>,
  faults: MessageCollector,
): void {
  const variables = new Map<string, string[]>();
  for (const [name, named] of Object.entries(keys))
    for (const { id } of named) variables.set(id, [...(variables.get(id) ?? []), name]);
  for (const names of variables.values()) {
    const distinct = [...new Set(names)];
    if (distinct.length > 1)
      faults.add(`${distinct.join(' and ')} have the same key: give each variable a key of its own.`);
    else if (names.length > 1) faults.add(`${distinct[0]} lists the same key twice: remove one.`);
  }
}

function readStored(
  name: KeyName,
  { dataDir, createKeys, onKeyCreated }: KeyOptions,
  faults: MessageCollector,
): NamedKey[] {
  const path = pathOf(name, dataDir);
  if (!createKeys && !existsSync(path)) return [];
  try {
    const key = readStoredKey(path, () => onKeyCreated(name));
    if (isShort(name, key)) reportShort(name, `${name} in ${quote(path)}`, key, faults);
    return [nameKey(key)];
  } catch (error) {
    faults.add(
      `DATA_DIR is ${quote(dataDir)} (${fileFault(error)}), but must be a writable folder for keys.`,
    );
    return [];
  }
}

function isStored(
  name: KeyName,
  { production, dataDir }: Pick<KeyOptions, 'production' | 'dataDir'>,
): boolean {
  return !production && existsSync(pathOf(name, dataDir));
}

function pathOf(name: KeyName, dataDir: string): string {
  return join(dataDir, 'keys', name.toLowerCase());
}

function isShort(name: KeyName, key: string): boolean {
  return Buffer.byteLength(key) < MIN_BYTES[name];
}

function reportShort(name: KeyName, where: string, key: string, faults: MessageCollector): void {
  faults.add(`${where} has a key of ${Buffer.byteLength(key)} bytes, but needs ${MIN_BYTES[name]} or more.`);
}

function isWeak(key: string): boolean {
  return new Set(key).size < MIN_DIFFERENT_CHARACTERS || PLACEHOLDER.test(key);
}

/** The bytes are those of the text. The id is a prefix of a labelled hash and reveals nothing about the key. */
function nameKey(key: string): NamedKey {
  const bytes = Buffer.from(key);
  const id = createHash('sha256').update('kinship key id\0').update(bytes).digest('base64url').slice(0, 8);
  return { id, bytes };
}
