import { createCipheriv, timingSafeEqual } from 'node:crypto';
import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import { readBase64, readHash, readParameters } from './fields.ts';
import { deriveKey, optionsOf, readScryptCost } from './scrypt.ts';

const KEY_BYTES = 32;

/**
 * Verifies the scrypt of Firebase: `$firebase-scrypt$ln=14,r=8,p=1,ss=…,sk=…$salt$hash`. `ss` and `sk` are the salt
 * separator and the signer key of the project. The hash is the signer key, encrypted under a key that is derived from
 * the password.
 */
export const firebaseScrypt: HashVerifier = {
  kindOf(passwordHash) {
    const read = readFirebaseScrypt(passwordHash);
    return read && `firebase-scrypt-${read.cost.ln}-${read.cost.r}-${read.cost.p}`;
  },

  async verify(passwordHash, password) {
    const read = readFirebaseScrypt(passwordHash);
    if (read === null) return false;
    const { cost, salt, signerKey, hash } = read;
    const key = await deriveKey(password, salt, KEY_BYTES, optionsOf(cost));
    const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
    return timingSafeEqual(Buffer.concat([cipher.update(signerKey), cipher.final()]), hash);
  },
};

function readFirebaseScrypt(text: string) {
  const parts = text.split('$');
  const [first, algorithm, given, encodedSalt, encodedHash] = parts;
  if (first !== '' || algorithm !== 'firebase-scrypt' || parts.length !== 5) return null;
  const parameters = readParameters(given);
  const cost = readScryptCost(parameters);
  const separator = readBase64(parameters.get('ss'));
  const signerKey = readBase64(parameters.get('sk'));
  const salt = readBase64(encodedSalt);
  const hash = readHash(encodedHash);
  if (cost === null || separator === null || signerKey === null || salt === null || hash === null)
    return null;
  if (signerKey.length !== hash.length) return null;
  return { cost, salt: Buffer.concat([salt, separator]), signerKey, hash };
}
