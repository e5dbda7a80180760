import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { claimsOf } from './forge.ts';
import { testDatabase } from './postgres.ts';
import { dataDir, startServiceInProcess } from './service-in-process.ts';

/** A key with the scopes of a resource server. */
export const RESOURCE_SERVER_KEY = 'a-key-of-a-resource-server-of-32-characters';

export const ISSUER = 'http://localhost:3000';

/** The tokens of a login, its session and its user. */
export interface OpenedSession {
  readonly access: string;
  readonly refresh: string;
  readonly sid: string;
  readonly userId: string;
  readonly authorization: string;
}

/** The environment of a service whose access tokens other services verify, on a database of its own. */
export async function issuingEnvironment(t: Test, more: Readonly<Record<string, string>> = {}) {
  return {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    ACCESS_TOKEN_ALG: 'EdDSA',
    PUBLIC_URL: ISSUER,
    LOGIN_BY_USER_ID: 'open',
    MAIL: 'off',
    SERVICE_API_KEYS: `shop:verify+introspect:${RESOURCE_SERVER_KEY}`,
    ...more,
  };
}

/** Starts a service with {@link issuingEnvironment} in this process. */
export async function issuingService(t: Test, more: Readonly<Record<string, string>> = {}) {
  const service = await startServiceInProcess(t, await issuingEnvironment(t, more));
  return { ...service, logIn: (query = '') => logIn(service.url, query) };
}

export async function logIn(url: string, query = ''): Promise<OpenedSession> {
  const userId = randomUUID();
  const response = await fetch(`${url}/auth/login?userId=${userId}${query}`, { method: 'POST' });
  if (response.status !== 200) throw new Error(`no login: ${await response.text()}`);
  const { access, refresh } = (await response.json()) as { access: string; refresh: string };
  return { access, refresh, userId, sid: String(claimsOf(access).sid), authorization: `Bearer ${access}` };
}

/** Ends the session, and resolves once the service has acknowledged that. */
export async function logOut(url: string, { authorization }: OpenedSession): Promise<void> {
  const { status } = await fetch(`${url}/auth/logout`, { method: 'POST', headers: { authorization } });
  if (status !== 204) throw new Error(`the logout was answered with ${status}`);
}
