import type { Scenario, Target } from '../load/scenario.ts';

interface Held {
  readonly authorization: string;
  readonly refreshToken: string;
}

const basic = ({ clientId, clientSecret }: Target): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/**
 * Each client chains its refresh grants (RFC 6749 section 6), with rotation. `/begin` of the server issues the first
 * token.
 */
export const refreshGrant = (path: string): Scenario<Held> => ({
  async begin(target) {
    const response = await fetch(new URL('/begin', target.url));
    const { refreshToken } = (await response.json()) as { refreshToken: string };
    return { authorization: basic(target), refreshToken };
  },
  ask: ({ authorization, refreshToken }) => ({
    method: 'POST',
    path,
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
});
