import { identifierOf } from './user.ts';

const MIN_LENGTH = 8;
const MAX_LENGTH = 128;

/** The form in which a password is hashed and compared: NFC, so that all Unicode spellings are equal. */
export function normalizePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * Why a new password is not acceptable, as a sentence; null if it is acceptable. Checks the length, common passwords
 * and the account's own identifiers, but no composition rules (NIST SP 800-63B section 5.1.1.2).
 *
 * @param password in the form of {@link normalizePassword}
 * @param context the public facts of the account: its name and address
 */
export function passwordFault(
  password: string,
  context: readonly string[],
  isCommon: (password: string) => boolean,
): string | null {
  const length = [...password].length;
  if (length < MIN_LENGTH) return `The password must have ${MIN_LENGTH} characters or more.`;
  if (length > MAX_LENGTH) return `The password must have ${MAX_LENGTH} characters or fewer.`;
  if (/[\0\p{Cs}]/u.test(password)) return 'The password contains an invalid character.';
  if (isCommon(password.toLowerCase()))
    return 'The password is one of the most common passwords. Choose another one.';
  if (context.some((word) => identifierOf(word) === identifierOf(password))) {
    return 'The password must not be the name or address of the account.';
  }
  return null;
}
