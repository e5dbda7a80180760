import { resolve } from 'node:path';
import { findBreachFileFault } from '../adapters/passwords/breach-file.ts';
import type { Variables } from './environment.ts';
import { fileFault, type Readers } from './values.ts';

/** The range service or the file of breached passwords. */
export type BreachConfig =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }
  | null;

export async function readBreaches(variables: Variables, cwd: string, read: Readers): Promise<BreachConfig> {
  const { PASSWORD_BREACH_URL: url, PASSWORD_BREACH_FILE: file } = variables;
  if (url !== '' && file !== '') {
    read.reportFault('PASSWORD_BREACH_URL', 'and PASSWORD_BREACH_FILE are both set: set one of them.');
    return null;
  }
  if (url !== '') return { kind: 'url', url: read.httpUrl('PASSWORD_BREACH_URL', url) };
  if (file === '') return null;
  const path = resolve(cwd, file);
  const fault = await findBreachFileFault(path).catch(fileFault);
  if (fault !== null)
    read.reportInvalid('PASSWORD_BREACH_FILE', `${file} (${fault})`, 'a file of SHA-1 hashes sorted by hash');
  return { kind: 'file', path };
}
