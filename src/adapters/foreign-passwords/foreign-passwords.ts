import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import { bcrypt } from './bcrypt.ts';
import { firebaseScrypt } from './firebase-scrypt.ts';
import { pbkdf2 } from './pbkdf2.ts';
import { scrypt } from './scrypt.ts';

/** The verifiers of hashes that other systems make. */
export const foreignPasswords: readonly HashVerifier[] = [bcrypt, pbkdf2, scrypt, firebaseScrypt];
