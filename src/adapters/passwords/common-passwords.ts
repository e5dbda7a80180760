import { dictionary } from '@zxcvbn-ts/language-common';
import type { IsCommonPassword } from '../../ports/security/common-passwords.ts';

/** How many of the most common passwords are refused, of those that are long enough to be one. */
const MOST_COMMON = 3_000;
const LEAST_LENGTH = 8;

/** The list of zxcvbn, which is ordered by how often a password was seen in breaches. */
export function createCommonPasswords(): IsCommonPassword {
  const list = dictionary['passwords-common'].filter((password) => String(password).length >= LEAST_LENGTH);
  const common = new Set(list.slice(0, MOST_COMMON).map(String));
  return (password) => common.has(password);
}
