import { identifierOf, type User } from './user.ts';

const MIN_LENGTH = 8;
const MAX_LENGTH = 128;

/** The form in which a new password is checked and hashed: NFC, so that all its Unicode spellings are equal. */
export function normalizePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * The forms that a login compares with the stored hash: the password as it was typed, and normalized. Other systems
 * hash what was typed.
 */
export function spellingsOf(password: string): readonly string[] {
  return [...new Set([password, normalizePassword(password)])];
}

/**
 * Why a new password is not acceptable, as a sentence; null if it is acceptable. Checks the length, common passwords
 * and the words of {@link contextWords}, but no composition rules (NIST SP 800-63B section 5.1.1.2).
 *
 * @param password in the form of {@link normalizePassword}
 * @param context see {@link contextWords}
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
  const compared = identifierOf(password);
  if (context.some((word) => compared.includes(word))) {
    return 'The password must not contain the name or address of the account, or the name of the service.';
  }
  return null;
}

/** Shorter words occur in too many strong passwords, so they are not forbidden. */
const MIN_WORD_LENGTH = 4;

/**
 * The words that an attacker tries first: the user name, the parts of the mail address, and the name of the service.
 * They have the form of `identifierOf`.
 */
export function contextWords(
  { username, email }: Pick<User, 'username' | 'email'>,
  serviceName: string,
): string[] {
  const words = [username, email, ...partsOfAddress(username), ...partsOfAddress(email), serviceName];
  return [...words, domainLabel(serviceName)]
    .map(identifierOf)
    .filter((word) => [...word].length >= MIN_WORD_LENGTH);
}

/** The local part without its tag, and the domain label. Empty for a text that is not an address. */
function partsOfAddress(text: string): string[] {
  const at = text.lastIndexOf('@');
  if (at < 0) return [];
  return [text.slice(0, at).replace(/\+.*$/, ''), domainLabel(text.slice(at + 1))];
}

/** The longest label of a host name. The last label does not count. */
function domainLabel(host: string): string {
  const labels = host.split('.').slice(0, -1);
  return labels.reduce((longest, label) => (label.length > longest.length ? label : longest), '');
}
