import { toCaepEvent } from '../../../domain/caep-events.ts';
import type { DomainEvent } from '../../../domain/events.ts';
import { STREAM_UPDATED, STREAM_VERIFICATION } from '../../../domain/streams.ts';
import type { EventTokens } from '../../../ports/security/event-tokens.ts';
import type { DeliveredEvent } from '../../../ports/stores/webhook-deliveries.ts';
import type { Format } from './format.ts';

const SSF = 'https://schemas.openid.net/secevent/ssf/event-type';

/** The URIs of the events about a stream itself, by their types. */
const STREAM_EVENTS: Readonly<Record<string, string>> = {
  [STREAM_VERIFICATION]: `${SSF}/verification`,
  [STREAM_UPDATED]: `${SSF}/stream-updated`,
};

/** The claims of a token that say what happened, and to whom. */
interface EventClaims {
  readonly sub_id: object;
  readonly events: Readonly<Record<string, object>>;
}

/**
 * The format `set`: a Security Event Token (RFC 8417) with events of CAEP 1.0, pushed as RFC 8935 specifies. The `jti`
 * is the id of the event, so a receiver detects a repetition. `iat` is the time of the attempt.
 */
export const securityEventTokenFormat =
  (tokens: EventTokens): Format =>
  async ({ event, endpoint, credentials, now }) => {
    const uri = STREAM_EVENTS[event.type];
    const claims =
      uri === undefined
        ? eventClaims(event as unknown as DomainEvent, tokens.issuer) // any other type is one of the outbox
        : streamClaims(uri, endpoint.id, event);
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

/** The data of these events has the members of SSF 1.0 already. */
function streamClaims(uri: string, streamId: string, { data }: DeliveredEvent): EventClaims {
  return { sub_id: { format: 'opaque', id: streamId }, events: { [uri]: data } };
}

/** The subject names the user and the session: a subject without a session would mean all sessions of the user. */
function eventClaims(event: DomainEvent, issuer: string): EventClaims | null {
  const security = toCaepEvent(event);
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
