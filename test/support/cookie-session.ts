import { type Answer, browser } from './browser.ts';
import { PASSWORD } from './factors.ts';

/** The header by which a page asks for cookies. */
export const BY_COOKIE = { 'x-session-transport': 'cookie' };

export const ACCESS = 'kinship_access';
export const REFRESH = 'kinship_refresh';

/** A browser whose requests carry the session in cookies. */
export function cookieBrowser(url: string) {
  const own = browser(url, BY_COOKIE);
  return {
    ...own,
    post: (path: string, json?: unknown, headers: Record<string, string> = {}) =>
      own.ask('POST', path, { ...(json !== undefined && { json }), headers }),
    get: (path: string, headers: Record<string, string> = {}) => own.ask('GET', path, { headers }),
    logIn: (more: object = {}) =>
      own.ask('POST', '/auth/login', { json: { username: 'ann', password: PASSWORD, ...more } }),
  };
}

export const bodyOf = ({ text }: Answer): Record<string, unknown> => (text === '' ? {} : JSON.parse(text));

/** Status and code in one line. */
export function resultOf(answer: Answer): string {
  const { code } = bodyOf(answer);
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}
