import { createHash } from 'node:crypto';
import type { IsBreachedPassword } from '../../ports/security/breached-passwords.ts';

/** Milliseconds that a request may take. */
const DEADLINE = 1_000;

/** Bytes of an answer. A padded answer of the public service has about 40 KB. */
const MAX_ANSWER = 1024 * 1024;

/** Characters of the hash that the service gets, so that it does not learn the password. */
const PREFIX = 5;

/**
 * Searches breached passwords with a range service such as `https://api.pwnedpasswords.com/range`. The answer has one
 * line for each hash with the prefix, `SUFFIX:COUNT`. Lines with the count 0 are padding.
 */
export function createBreachRange(url: string, onFailure: (error: unknown) => void): IsBreachedPassword {
  const base = url.replace(/\/+$/, '');
  return async (password) => {
    const hash = breachHash(password);
    try {
      const answer = await readRange(`${base}/${hash.slice(0, PREFIX)}`);
      return answer.split(/\r?\n/).some((line) => isBreach(line, hash.slice(PREFIX)));
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
}

/** The form in which lists of breached passwords are published: SHA-1, upper-case hexadecimal. */
export function breachHash(password: string): string {
  return createHash('sha1').update(password).digest('hex').toUpperCase();
}

async function readRange(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { 'add-padding': 'true', 'user-agent': 'kinship' },
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`The service of breached passwords answered ${response.status}.`);
  }
  const decoder = new TextDecoder();
  let [text, size] = ['', 0];
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER) throw new Error('The answer of the service of breached passwords is too long.');
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function isBreach(line: string, suffix: string): boolean {
  const [found = '', count = '0'] = line.split(':');
  return found.toUpperCase() === suffix && Number(count) > 0;
}
