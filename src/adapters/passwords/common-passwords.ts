import { createRequire } from 'node:module';
import type { IsCommonPassword } from '../../ports/security/password-lists.ts';

/** The number of passwords on the list. */
const LIST_LENGTH = 3_000;

/** Characters. Shorter passwords are refused by their length, so they are not on the list. */
const MIN_LENGTH = 8;

/**
 * Creates the check against the list of zxcvbn, which is ordered by frequency in breaches. The list is loaded with the
 * first check: loading is slow, and many deployments have no passwords.
 */
export function createCommonPasswordCheck(): IsCommonPassword {
  let common: ReadonlySet<string> | undefined;
  return (password) => {
    common ??= loadList();
    return common.has(password);
  };
}

function loadList(): ReadonlySet<string> {
  const load = createRequire(import.meta.url);
  const { dictionary }: typeof import('@zxcvbn-ts/language-common') = load('@zxcvbn-ts/language-common');
  const list = dictionary['passwords-common'].filter((password) => String(password).length >= MIN_LENGTH);
  return new Set(list.slice(0, LIST_LENGTH).map(String));
}
