import type { HttpService } from './http.ts';
import { PASSWORD } from './passwords.ts';
import { secretIn, totpCode } from './totp.ts';

export const STEP = 30_000;

/** The tokens of a session. */
export interface SessionTokens {
  readonly access: string;
  readonly refresh: string;
}

/** The tokens in the body of an answer. */
export function tokensIn(body: Readonly<Record<string, unknown>>): SessionTokens {
  return { access: String(body.access), refresh: String(body.refresh) };
}

export const bearer = ({ access }: Pick<SessionTokens, 'access'>) => ({ authorization: `Bearer ${access}` });

export const logIn = (service: Pick<HttpService, 'post'>, username: string, password = PASSWORD) =>
  service.post('/auth/login', { username, password });

/** Registers a user and logs them in. */
export async function registerAndLogIn(service: Pick<HttpService, 'post'>, username = 'ann') {
  const account = { username, email: `${username}@example.com`, password: PASSWORD };
  const { body } = await service.post('/auth/register', account);
  const pair = (await logIn(service, username)).body;
  return { ...account, id: String(body.id), access: String(pair.access), refresh: String(pair.refresh) };
}

/** Signs in with the password and a code, and returns the headers of that session. */
export async function logInWithCode(service: Pick<HttpService, 'post'>, username: string, code: string) {
  const { challenge } = (await logIn(service, username)).body;
  const { access } = (await service.post('/auth/login/second-factor', { challenge, code })).body;
  return bearer({ access: String(access) });
}

/** Adds an authenticator app, and moves the clock so that the next code is an unused one. */
export async function addAuthenticatorApp(
  service: Pick<HttpService, 'post' | 'time'>,
  signed: Pick<SessionTokens, 'access'>,
) {
  const { body } = await service.post('/auth/factors/totp', { label: 'Phone' }, bearer(signed));
  const secret = secretIn(body.uri);
  const id = String(body.id);
  const confirmation = { code: totpCode(secret, service.time.now) };
  const confirmed = await service.post(`/auth/factors/totp/${id}/confirm`, confirmation, bearer(signed));
  if (confirmed.status !== 204) throw new Error(String(confirmed.body.code));
  service.time.now += STEP;
  return { id, secret, code: () => totpCode(secret, service.time.now) };
}
