import { describeUserAgent } from '../../../src/adapters/http/server/describe-user-agent.ts';
import type { LifeEvent } from '../../../src/domain/life/life.ts';
import { networkOf } from '../../../src/domain/network.ts';

/** An event of the audit log that may be part of an incident. */
export interface IncidentEvent extends LifeEvent {
  readonly sessionId: string | null;
}

/** The types of events that can be refusals of a thief. */
export const INCIDENT_TYPES = [
  'sessions.reuse_detected',
  'sessions.dpop_refused',
  'sessions.address_changed',
] as const;

/** What happened to one user from one network. */
export interface Incident {
  readonly userId: string;
  readonly network: string;
  readonly device: string;
  readonly replays: number;
  readonly refusals: number;
  /** Milliseconds since the epoch. */
  readonly lastAt: number;
  /** The sessions of the events, the latest first. */
  readonly sessionIds: readonly string[];
}

/** The events of one incident: at least one, newest first. */
type Group = [IncidentEvent, ...IncidentEvent[]];

/**
 * Groups replays and refusals by user and network, newest first. An accepted request from a new address is no incident.
 */
export function groupIncidents(events: readonly IncidentEvent[]): readonly Incident[] {
  const newestFirst = events
    .filter(isPartOfIncident)
    .sort((one, other) => Date.parse(other.time) - Date.parse(one.time));
  const groups = new Map<string, Group>();
  for (const event of newestFirst) {
    const key = `${event.userId} ${networkOf(event.address ?? '')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return [...groups.values()].map(incidentOf);
}

function isPartOfIncident({ type, data }: IncidentEvent): boolean {
  return type !== 'sessions.address_changed' || data?.blocked === true;
}

function incidentOf(events: Group): Incident {
  const [latest] = events;
  const replays = events.filter(({ type }) => type === 'sessions.reuse_detected').length;
  const ids = events.flatMap(({ sessionId }) => (sessionId === null ? [] : [sessionId]));
  return {
    userId: latest.userId ?? '',
    network: networkOf(latest.address ?? ''),
    device: describeUserAgent(latest.userAgent ?? ''),
    replays,
    refusals: events.length - replays,
    lastAt: Date.parse(latest.time),
    sessionIds: [...new Set(ids)],
  };
}
