import { createRequire } from 'node:module';
import type { IsCommonPassword } from '../../ports/security/common-passwords.ts';

/** How many of the most common passwords are refused, of those that are long enough to be one. */
const MOST_COMMON = 3_000;
const LEAST_LENGTH = 8;

/**
 * The list of zxcvbn, which is ordered by how often a password was seen in breaches. It is loaded when the first new
 * password is looked at: it takes its time to unpack, and many a service knows no passwords.
 */
export function createCommonPasswords(): IsCommonPassword {
  let common: ReadonlySet<string> | undefined;
  return (password) => {
    common ??= mostCommon();
    return common.has(password);
  };
}

function mostCommon(): ReadonlySet<string> {
  const load = createRequire(import.meta.url);
  const { dictionary }: typeof import('@zxcvbn-ts/language-common') = load('@zxcvbn-ts/language-common');
  const list = dictionary['passwords-common'].filter((password) => String(password).length >= LEAST_LENGTH);
  return new Set(list.slice(0, MOST_COMMON).map(String));
}
