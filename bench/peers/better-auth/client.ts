import { randomUUID } from 'node:crypto';
import type { Place, Scenario, Scenarios } from '../../load/scenario.ts';

interface Held {
  readonly authorization: string;
  readonly refreshToken: string;
}

const basic = ({ clientId, clientSecret }: Place): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

const refresh: Scenario<Held> = {
  async begin(place) {
    const response = await fetch(new URL('/begin', place.url));
    const { refreshToken } = (await response.json()) as { refreshToken: string };
    return { authorization: basic(place), refreshToken };
  },
  ask: ({ authorization, refreshToken }) => ({
    method: 'POST',
    path: '/api/auth/oauth2/token',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=refresh_token&refresh_token=${refreshToken}`,
  }),
  take({ status, body }, held) {
    if (status !== 200) throw new Error(`${status}: ${body}`);
    const { access_token, refresh_token } = JSON.parse(body) as Record<string, string>;
    if (!access_token || !refresh_token) throw new Error(`not a pair: ${body}`);
    if (refresh_token === held.refreshToken) throw new Error('the refresh token was not rotated');
    return { ...held, refreshToken: refresh_token };
  },
};

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

export const scenarios: Scenarios = { refresh, password };
