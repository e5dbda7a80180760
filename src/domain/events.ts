import type { ProvenAuthentication } from './authentication.ts';
import type { ClientInfo } from './client-info.ts';
import type { RevocationReason } from './revocation.ts';
import type { ProofKind } from './second-factor.ts';
import type { Role } from './user.ts';

interface OfSession {
  readonly sessionId: string;
  readonly userId: string;
}

interface OfUser {
  readonly userId: string;
}

/** A link in a mail to `email`. */
interface MailedLink {
  readonly linkId: string;
  readonly email: string;
}

/** Replaces the client in the event of a change by an operator: the operator's client is not the user's. */
export interface ByOperator {
  readonly byOperator: true;
}

interface OfFactor {
  readonly kind: ProofKind;
  /** Absent for recovery codes. */
  readonly factorId?: string;
}

interface EventData {
  'users.created': OfUser & {
    readonly emailVerified: boolean;
    /** Absent where `identityOf` withholds it. */
    readonly username?: string;
  };
  'users.deleted': OfUser;
  /** Also for user ids without an account here. */
  'users.disabled': OfUser;
  'users.enabled': OfUser;
  /** `roles` are the roles after the change. */
  'users.roles_changed': OfUser & { readonly roles: readonly Role[] };
  /** Also for user ids without an account here. `claimNames` are those after the change. */
  'users.claims_changed': OfUser & { readonly claimNames: readonly string[] };
  /** An operator made the account. Its owner sets the password with the mailed link. */
  'users.invited': OfUser & ByOperator & { readonly resetId: string };
  /** `username`: the name after the change, absent where `identityOf` withholds it. */
  'users.username_changed': OfUser & ByOperator & { readonly username?: string };
  'users.email_verified': OfUser & (ClientInfo | ByOperator);
  'users.email_unverified': OfUser & ByOperator;
  'users.email_verification_requested': OfUser & (ClientInfo | ByOperator) & MailedLink;
  'users.email_change_requested': OfUser & ClientInfo & MailedLink;
  /** Without the link that undoes the change, and without the new address, if `email` is not verified. */
  'users.email_change_announced': OfUser &
    ClientInfo &
    ((MailedLink & { readonly newEmail: string }) | { readonly email: string });
  'users.email_changed': OfUser &
    (ClientInfo | (ByOperator & { readonly emailVerified: boolean })) & {
      /** Whether the former address was restored. */
      readonly undone: boolean;
    };
  /** An operator changed the address. `email` is the former address, which gets the mail. */
  'users.email_replaced': OfUser & ByOperator & { readonly email: string };
  'users.password_changed': OfUser &
    ClientInfo & {
      /** Present if the change was a reset by mail that proved the address of the account. */
      readonly emailVerified?: true;
    };
  'users.factor_added': OfUser & ClientInfo & OfFactor;
  'users.factor_removed': OfUser & OfFactor & (ClientInfo | ByOperator);
  'users.password_forgotten': OfUser & ClientInfo & { readonly resetId: string };
  'sessions.started': OfSession & ClientInfo;
  'sessions.started_on_new_device': OfSession & ClientInfo;
  /** `changed` names what an operator changed. `claimNames` are the claims of the session after the change. */
  'sessions.changed': OfSession & {
    readonly changed: readonly ('claims' | 'deviceName')[];
    readonly claimNames: readonly string[];
  };
  'sessions.revoked': OfSession & Partial<ClientInfo> & { readonly reason: RevocationReason };
  'sessions.reuse_detected': OfSession &
    ClientInfo & { readonly generation: number; readonly currentGeneration: number };
  'sessions.address_changed': OfSession &
    ClientInfo & { readonly previousAddress: string; readonly blocked: boolean };
  'sessions.user_agent_changed': OfSession & ClientInfo & { readonly previousUserAgent: string };
  'sessions.stepped_up': OfSession & ClientInfo & ProvenAuthentication;
  'sessions.dpop_refused': OfSession & ClientInfo & { readonly reason: 'missing' | 'other_key' };
  'sessions.healed': OfSession &
    ClientInfo & { readonly storedGeneration: number; readonly presentedGeneration: number };
}

export type EventType = keyof EventData;

/** An event for other systems, for a mail, or for both. It carries facts only: never a token, a hash or a link. */
export type DomainEvent = {
  [Type in EventType]: { readonly type: Type; readonly occurredAt: number; readonly data: EventData[Type] };
}[EventType];

/**
 * An event to record with a change. With `oncePerDay` it is recorded at most once a day for that subject and session.
 * With `ifNewDevice` it is recorded only if the pair of network and product of a new session is not known.
 */
export interface Occurrence {
  readonly event: DomainEvent;
  readonly oncePerDay?: string;
  readonly ifNewDevice?: true;
  /** Whether the audit log gets it every time, in spite of `oncePerDay`. */
  readonly auditEach?: true;
  /** Facts for the audit log alone. */
  readonly details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** Whether the user gets a mail about the event. */
export function hasMail(event: DomainEvent): boolean {
  switch (event.type) {
    case 'sessions.reuse_detected':
    case 'sessions.address_changed':
    case 'sessions.user_agent_changed':
    case 'sessions.started_on_new_device':
    case 'sessions.dpop_refused':
    case 'users.password_changed':
    case 'users.password_forgotten':
    case 'users.invited':
    case 'users.email_verification_requested':
    case 'users.email_change_requested':
    case 'users.email_change_announced':
    case 'users.email_replaced':
    case 'users.factor_added':
    case 'users.factor_removed':
      return true;
    case 'sessions.revoked':
      return event.data.reason === 'user_agent_changed';
    default:
      return false;
  }
}

/** Whether other systems get the events of each type. The other events cause a mail, and some an audit event. */
export const PUBLISHED: Readonly<Record<EventType, boolean>> = {
  'users.created': true,
  'users.deleted': true,
  'users.disabled': true,
  'users.enabled': true,
  'users.roles_changed': true,
  'users.claims_changed': true,
  'users.invited': false,
  'users.username_changed': true,
  'users.email_verified': true,
  'users.email_unverified': true,
  'users.email_verification_requested': false,
  'users.email_change_requested': false,
  'users.email_change_announced': false,
  'users.email_changed': true,
  'users.email_replaced': false,
  'users.password_changed': true,
  'users.factor_added': true,
  'users.factor_removed': true,
  'users.password_forgotten': false,
  'sessions.started': true,
  'sessions.started_on_new_device': false,
  'sessions.changed': true,
  'sessions.revoked': true,
  'sessions.reuse_detected': true,
  'sessions.address_changed': true,
  'sessions.user_agent_changed': true,
  'sessions.stepped_up': true,
  'sessions.dpop_refused': true,
  'sessions.healed': true,
};

export const EVENT_TYPES = Object.keys(PUBLISHED) as readonly EventType[];

/** Whether the event only repeats another event, so that the user gets a mail about it. */
export function isRepeatForMail(event: Pick<DomainEvent, 'type'>): boolean {
  return !isPublished(event) && !isLinkMail(event);
}

/** Whether other systems get the event. */
export function isPublished({ type }: Pick<DomainEvent, 'type'>): boolean {
  return PUBLISHED[type];
}

/**
 * Whether the event is not published, and causes a mail with a link that the recipient needs. The audit log records it.
 * The number of such mails has limits.
 */
export function isLinkMail({ type }: Pick<DomainEvent, 'type'>): boolean {
  return (
    type === 'users.password_forgotten' ||
    type === 'users.invited' ||
    type === 'users.email_verification_requested' ||
    type === 'users.email_change_requested'
  );
}

/** The user and session of an event, for log lines. */
export function subjectOf({ data }: DomainEvent): { userId: string; sessionId?: string } {
  const { userId } = data;
  return 'sessionId' in data ? { userId, sessionId: data.sessionId } : { userId };
}
