import type { EventTokens } from '../../../ports/security/event-tokens.ts';
import type { Format } from './format.ts';

const BACKCHANNEL_LOGOUT = 'http://schemas.openid.net/event/backchannel-logout';

/** Seconds. OpenID Connect Back-Channel Logout 1.0 recommends at most two minutes. */
const VALID_FOR = 120;

/** The format `logout-token`: OpenID Connect Back-Channel Logout 1.0, for the end of one session. */
export const logoutTokenFormat =
  (tokens: EventTokens): Format =>
  async ({ event, endpoint, now }) => {
    const { userId, sessionId } = event.data;
    if (typeof userId !== 'string' || typeof sessionId !== 'string') return null;
    const iat = Math.floor(now / 1000);
    const token = await tokens.sign('logout+jwt', {
      sub: userId,
      sid: sessionId,
      aud: endpoint.audience,
      iat,
      exp: iat + VALID_FOR,
      jti: event.id,
      events: { [BACKCHANNEL_LOGOUT]: {} },
    });
    return {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      // The characters of a compact JWS need no encoding in a form.
      body: `logout_token=${token}`,
    };
  };
