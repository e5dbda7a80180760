import type { DomainEvent } from '../../../domain/events.ts';
import { toSecurityEvent } from '../../../domain/security-events.ts';
import type { EventTokens } from '../../../ports/security/event-tokens.ts';
import type { DeliveredEvent } from '../../../ports/stores/webhook-deliveries.ts';
import type { Format } from './format.ts';

/** The type of the event by which a receiver checks that its stream works. Only streams get it. */
export const STREAM_VERIFICATION = 'streams.verification';

const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

/** The claims of a token that say what happened, and to whom. */
interface EventClaims {
  readonly sub_id: object;
  readonly events: Readonly<Record<string, object>>;
}

/**
 * The format `set`: a Security Event Token (RFC 8417) with events of CAEP 1.0, pushed as RFC 8935 asks. The `jti` is
 * the id of the event, so a receiver detects a repetition. `iat` is the time of the attempt.
 */
export const securityEventTokenFormat =
  (tokens: EventTokens): Format =>
  async ({ event, endpoint, credentials, now }) => {
    const claims =
      event.type === STREAM_VERIFICATION
        ? verificationClaims(endpoint.id, event)
        : eventClaims(event as unknown as DomainEvent, tokens.issuer); // any other type is one of the outbox
    if (claims === null) return null;
    const iat = Math.floor(now / 1000);
    const token = await tokens.sign('secevent+jwt', {
      jti: event.id,
      iat,
      aud: endpoint.audience,
      txn: event.id,
      ...claims,
    });
    const { authorization } = credentials;
    return {
      headers: {
        'content-type': 'application/secevent+jwt',
        accept: 'application/json',
        ...(authorization !== undefined && { authorization }),
      },
      body: token,
    };
  };

function verificationClaims(streamId: string, { data }: DeliveredEvent): EventClaims {
  const { state } = data;
  return {
    sub_id: { format: 'opaque', id: streamId },
    events: { [VERIFICATION]: typeof state === 'string' ? { state } : {} },
  };
}

/** The subject names the session beside the user: the user alone would mean all sessions of the user. */
function eventClaims(event: DomainEvent, issuer: string): EventClaims | null {
  const security = toSecurityEvent(event);
  if (security === null) return null;
  const { uri, sessionId, payload } = security;
  const user = { format: 'iss_sub', iss: issuer, sub: event.data.userId };
  return {
    sub_id: {
      format: 'complex',
      user,
      ...(sessionId !== null && { session: { format: 'opaque', id: sessionId } }),
    },
    events: { [uri]: { ...payload, event_timestamp: Math.floor(event.occurredAt / 1000) } },
  };
}
