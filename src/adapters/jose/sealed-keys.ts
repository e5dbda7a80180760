import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { KeySchedule, SigningKey } from '../../domain/key-set.ts';
import type { CheckKey, MakeKey } from '../../ports/security/key-maker.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { importKey, UnusableKey } from './import-key.ts';
import type { OpenKey } from './key-set.ts';
import { createSealer } from './sealer.ts';

/**
 * A private header parameter (RFC 7516 section 4.3): number, `announcedAt` and `signsFrom`, the times in milliseconds.
 */
const SCHEDULE = 'kinship_turn';

/**
 * Creates the functions that make, open and check sealed keys. A sealed key is a JWE (RFC 7516, `dir` and A256GCM) of
 * the whole key. The encryption key is not in the database. A key that cannot be opened is not used, and its public
 * part is not published. Otherwise an attacker who writes to the database could add a key and forge tokens.
 *
 * The protected header holds the number and the times of the key: a row with other values is refused. Keys that an
 * earlier version sealed lack this parameter, so their rows are not checked.
 *
 * @param encryptionKeys newest first: the first key seals, all keys open
 */
export function createSealedKeys(encryptionKeys: readonly NamedKey[]) {
  const sealer = createSealer(encryptionKeys, 'kinship signing keys');

  const make: MakeKey = async (alg, schedule) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(privateKey);
    return { id: await calculateJwkThumbprint(jwk), alg, ...schedule, sealed: await seal(jwk, schedule) };
  };

  function seal(jwk: JWK, { number, announcedAt, signsFrom }: KeySchedule): Promise<string> {
    return sealer.seal(JSON.stringify(jwk), { [SCHEDULE]: [number, announcedAt, signsFrom] });
  }

  /** Rejects with {@link UnusableKey}. */
  async function open({ sealed, wasRemoved, ...facts }: SealedKey): Promise<OpenKey> {
    if (wasRemoved) throw new UnusableKey('was removed before and was restored in the database');
    const { jwk, schedule } = await unseal(sealed);
    if (schedule !== undefined && !isSameSchedule(schedule, facts))
      throw new UnusableKey('has another number or other times than those it was sealed with');
    if ((await calculateJwkThumbprint(jwk)) !== facts.id)
      throw new UnusableKey('is not the key that the id of its row names');
    return { ...facts, ...(await importKey(jwk, facts.id, facts.alg)) };
  }

  async function unseal(sealed: string): Promise<{ jwk: JWK; schedule: unknown }> {
    try {
      const { text, header } = await sealer.open(sealed);
      return { jwk: JSON.parse(text), schedule: header[SCHEDULE] };
    } catch (cause) {
      throw new UnopenedKey('cannot be opened by a key in KEY_SET_ENCRYPTION_KEY', { cause });
    }
  }

  const check: CheckKey = async (key) => {
    try {
      await open(key);
      return null;
    } catch (error) {
      if (error instanceof UnusableKey)
        return { reason: error.message, isSealedElsewhere: error instanceof UnopenedKey };
      throw error;
    }
  };

  return { make, open, check };
}

/** A key that was sealed under another encryption key, or whose sealed text was changed. */
export class UnopenedKey extends UnusableKey {}

function isSameSchedule(sealed: unknown, { number, announcedAt, signsFrom }: SigningKey): boolean {
  return JSON.stringify(sealed) === JSON.stringify([number, announcedAt, signsFrom]);
}
