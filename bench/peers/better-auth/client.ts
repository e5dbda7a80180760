import { randomUUID } from 'node:crypto';
import type { Scenario, Scenarios } from '../../load/scenario.ts';
import { refreshGrant } from '../refresh-grant.ts';

interface Credentials {
  readonly email: string;
  readonly password: string;
}

// A browser names where it comes from, and is refused where it does not.
const headers = { 'content-type': 'application/json', origin: 'https://app.test' };

/** It ships scrypt and opens a session of its own, kept in the database and carried by a cookie. */
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
