import { randomUUID } from 'node:crypto';
import type { Scenario, Scenarios } from '../../load/scenario.ts';
import { refreshGrant } from '../refresh-grant.ts';

interface Credentials {
  readonly email: string;
  readonly password: string;
}

// better-auth refuses a request without the Origin header that browsers send.
const headers = { 'content-type': 'application/json', origin: 'https://app.test' };

/**
 * better-auth hashes passwords with scrypt and opens a session, which is stored in the database and named by a cookie.
 */
const password: Scenario<Credentials> = {
  async begin({ url }) {
    const name = randomUUID();
    const credentials = { email: `${name}@app.test`, password: randomUUID() };
    const body = JSON.stringify({ name, ...credentials });
    const signUp = new URL('/api/auth/sign-up/email', url);
    const response = await fetch(signUp, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return credentials;
  },
  ask: (credentials) => ({
    method: 'POST',
    path: '/api/auth/sign-in/email',
    headers,
    body: JSON.stringify(credentials),
  }),
  take({ status, body }, credentials) {
    if (status !== 200) throw new Error(`${status}: ${body}`);
    return credentials;
  },
};

export const scenarios: Scenarios = { refresh: refreshGrant('/api/auth/oauth2/token'), password };
