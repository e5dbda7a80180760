import type { RevocationReason } from './revocation.ts';

/** Who was seen doing it: the client's address, and its `User-Agent` as far as it is kept. */
export interface Client {
  readonly address: string;
  readonly userAgent: string;
  /** Hash of the product of the whole agent, base64url. Without it the kept part of the agent is judged. */
  readonly productHash?: string;
}

/** What events tell of a client: never a hash. */
export function clientFacts({ address, userAgent }: Client): Pick<Client, 'address' | 'userAgent'> {
  return { address, userAgent };
}

interface OfSession {
  readonly sessionId: string;
  readonly userId: string;
}

interface OfUser {
  readonly userId: string;
}

interface EventData {
  'users.created': OfUser & {
    readonly emailVerified: boolean;
    /** Absent where `identityOf` withholds it. */
    readonly username?: string;
  };
  'users.deleted': OfUser;
  'users.password_changed': OfUser & Client;
  'users.password_forgotten': OfUser & Client & { readonly resetId: string };
  'sessions.started': OfSession & Client;
  'sessions.revoked': OfSession & Partial<Client> & { readonly reason: RevocationReason };
  'sessions.reuse_detected': OfSession &
    Client & { readonly generation: number; readonly currentGeneration: number };
  'sessions.address_changed': OfSession &
    Client & { readonly previousAddress: string; readonly blocked: boolean };
  'sessions.user_agent_changed': OfSession & Client & { readonly previousUserAgent: string };
  'sessions.healed': OfSession &
    Client & { readonly storedGeneration: number; readonly presentedGeneration: number };
}

export type EventType = keyof EventData;

/** Something that happened, for whoever wants to know. Facts only: never a token, a hash or a link. */
export type DomainEvent = {
  [Type in EventType]: { readonly type: Type; readonly occurredAt: number; readonly data: EventData[Type] };
}[EventType];

/** An event to be recorded with a change; with `oncePerDay` only if the session was not told of that subject today. */
export interface Occurrence {
  readonly event: DomainEvent;
  readonly oncePerDay?: string;
}

/** Whether the user is written to about it. */
export function isToldByMail(event: DomainEvent): boolean {
  switch (event.type) {
    case 'sessions.reuse_detected':
    case 'sessions.address_changed':
    case 'sessions.user_agent_changed':
    case 'users.password_changed':
    case 'users.password_forgotten':
      return true;
    case 'sessions.revoked':
      return event.data.reason === 'user_agent_changed';
    default:
      return false;
  }
}

/** Whose it is, for whoever reads a log. */
export function concernedBy({ data }: DomainEvent): { userId: string; sessionId?: string } {
  const { userId } = data;
  return 'sessionId' in data ? { userId, sessionId: data.sessionId } : { userId };
}
