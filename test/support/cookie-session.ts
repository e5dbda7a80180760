import { type Answer, browser } from './browser.ts';
import { PASSWORD } from './passwords.ts';
import { readOperations } from './service-on-database.ts';

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

/** A request to a route that reads the access token from the cookie. */
export interface CookieRequest {
  readonly method: string;
  readonly path: string;
  readonly json?: object;
}

/** The body that each operation needs to have an effect. */
const BODIES: Readonly<Record<string, object>> = {
  'DELETE /auth/me': { password: PASSWORD },
  'POST /auth/email': { email: 'ann@example.org', password: PASSWORD },
  'POST /auth/password': { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' },
  'POST /auth/factors/totp': { label: 'Phone' },
  'PATCH /auth/factors/{id}': { label: 'Phone' },
};

/** A request to each route that documents the cookie. `id` replaces the id in each path. */
export async function cookieRequests(
  service: Parameters<typeof readOperations>[0],
  id: string,
): Promise<CookieRequest[]> {
  const operations = await readOperations(service);
  return operations
    .filter(({ security }) => security.includes('browserSession'))
    .map(({ method, path }) => {
      const json = BODIES[`${method} ${path}`];
      return { method, path: path.replace('{id}', id), ...(json && { json }) };
    });
}
