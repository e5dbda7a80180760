import { createHash } from 'node:crypto';
import { lookup as lookUpHost } from 'node:dns/promises';
import { withDeadline } from '../../lib/time.ts';
import type { IsBreachedPassword } from '../../ports/security/password-lists.ts';

/** Milliseconds from the look-up of the name to the end of the answer. */
const DEADLINE = 1_000;

/** Bytes of an answer. A padded answer of the public service has about 40 KB. */
const MAX_ANSWER = 1024 * 1024;

/** The number of characters of the hash that are sent. They do not reveal the password to the range service. */
const PREFIX = 5;

/** A line of the answer: the rest of a SHA-1, and the count of breaches. */
const LINE = /^([0-9a-f]{35}):(\d{1,15})$/i;

/**
 * Searches breached passwords with a range service such as `https://api.pwnedpasswords.com/range`. The answer has one
 * line `SUFFIX:COUNT` for each hash with the prefix. Lines with the count 0 are padding. A line of any other form is a
 * failure, because another server has answered, such as a proxy.
 */
export function createBreachRange(
  url: string,
  onFailure: (error: unknown) => void,
  lookup: (host: string) => Promise<unknown> = lookUpHost,
): IsBreachedPassword {
  const base = url.replace(/\/+$/, '');
  const host = new URL(base).hostname.replace(/^\[|\]$/g, '');
  let runningLookup: Promise<unknown> | null = null;

  return async (password) => {
    const hash = breachHash(password);
    try {
      const signal = AbortSignal.timeout(DEADLINE);
      await waitForName();
      const answer = await readRange(`${base}/${hash.slice(0, PREFIX)}`, signal);
      return countsOf(answer).some(([suffix, count]) => suffix === hash.slice(PREFIX) && count > 0);
    } catch (error) {
      onFailure(error);
      return false;
    }
  };

  /**
   * Waits until the name resolves. All checks share one look-up, and no `fetch` starts before it succeeds:
   * `fetch` looks the name up again for each new connection. If the name server hangs, each look-up occupies a thread
   * far longer than the deadline. Password hashing needs the same pool of threads.
   */
  async function waitForName(): Promise<void> {
    runningLookup ??= lookup(host).finally(() => {
      runningLookup = null;
    });
    const late = () => new Error(`The name ${host} did not resolve within ${DEADLINE} ms.`);
    await withDeadline(DEADLINE, runningLookup, late);
  }
}

/** Hashes a password as published lists of breached passwords do: SHA-1, upper-case hexadecimal. */
export function breachHash(password: string): string {
  return createHash('sha1').update(password).digest('hex').toUpperCase();
}

async function readRange(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    headers: { 'add-padding': 'true', 'user-agent': 'kinship' },
    redirect: 'error',
    signal,
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

function countsOf(answer: string): (readonly [suffix: string, count: number])[] {
  const lines = answer.split(/\r?\n/).filter((line) => line !== '');
  return lines.map((line) => {
    const [, suffix = '', count] = LINE.exec(line) ?? [];
    if (count === undefined)
      throw new Error('The service of breached passwords did not answer with a list of hashes.');
    return [suffix.toUpperCase(), Number(count)];
  });
}
