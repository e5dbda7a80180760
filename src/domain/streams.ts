import { EVENT_TYPES_OF_CAEP } from './caep-events.ts';
import { SECOND } from './durations.ts';
import type { EndpointState } from './webhooks.ts';

/** Delivery by POST (RFC 8935), the only method of streams. */
export const PUSH_DELIVERY = 'urn:ietf:rfc:8935';

/** Types of events about a stream itself, which only that stream gets. */
export const STREAM_VERIFICATION = 'streams.verification';
export const STREAM_UPDATED = 'streams.updated';

/** The event URIs that streams can deliver. */
export const SUPPORTED_EVENTS: readonly string[] = Object.keys(EVENT_TYPES_OF_CAEP);

/** Milliseconds between two verification events of a stream. */
export const VERIFICATION_INTERVAL = 30 * SECOND;

/** The status of a stream, as SSF 1.0 names it. */
export type StreamStatus = EndpointState;

/** The requested events that are supported. */
export function pickSupportedEvents(requested: readonly string[]): string[] {
  return SUPPORTED_EVENTS.filter((uri) => requested.includes(uri));
}

/** The types of events that become the events of these URIs. */
export function typesOfEvents(uris: readonly string[]): string[] {
  return Object.entries(EVENT_TYPES_OF_CAEP).flatMap(([uri, types]) => (uris.includes(uri) ? types : []));
}
