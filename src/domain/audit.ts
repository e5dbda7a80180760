import type { ClientInfo } from './client-info.ts';
import { type DomainEvent, EVENT_TYPES, type EventType, isRepeatForMail, type Occurrence } from './events.ts';
import { OWN_CLIENT_ID } from './service-key.ts';

/** Who made a change: a user, a service key, an operator, or the service itself. */
export type ActorKind = 'user' | 'service_key' | 'operator' | 'system';

export interface Actor {
  readonly kind: ActorKind;
  /** The name of a service key, or of an operator. */
  readonly name?: string;
}

/** Who made a change, and from which client. `address` and `userAgent` are null where no request caused the change. */
export interface ChangeOrigin {
  readonly actor: Actor;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Why an operator made the change; absent for other actors. */
  readonly statedReason?: string;
}

/** Refusals that the audit log records although no {@link DomainEvent} reports them. */
const REFUSAL_TYPES = ['users.proof_refused', 'users.second_factor_missing'] as const;
export type RefusalType = (typeof REFUSAL_TYPES)[number];

/** Types of changes that other systems get no event about. */
const CHANGE_TYPES = [
  'keys.announced',
  // The service removed a key whose last token had expired.
  'keys.removed',
  // An operator removed a key at once, by the command `keys retire`. The key may have been in any state.
  'keys.retired',
  // An undo link was used before the change, so the account keeps its address, which was verified before.
  'users.email_change_cancelled',
  'users.factor_renamed',
  'users.imported',
  'webhooks.added',
  'webhooks.changed',
  'webhooks.removed',
  'webhooks.secret_rotated',
  'webhooks.sent_again',
] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

export type AuditType = EventType | RefusalType | ChangeType | 'users.password_failed';

/** Every type that the audit log can contain, in alphabetical order. */
export const AUDIT_TYPES: readonly AuditType[] = [
  ...EVENT_TYPES.filter((type) => !isRepeatForMail({ type })),
  'users.password_failed' as const,
  ...REFUSAL_TYPES,
  ...CHANGE_TYPES,
].toSorted();

/**
 * A fact of an audit event. It is never a secret, a mail address or a user name. The text that an operator writes as
 * `statedReason` is not checked for these.
 */
export type AuditFact = string | number | boolean | null | readonly string[];

/** An event of the audit log, before it is recorded. Times in milliseconds. */
export interface NewAuditEvent {
  readonly id: string;
  readonly type: AuditType;
  readonly occurredAt: number;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly origin: ChangeOrigin;
  readonly data: Readonly<Record<string, AuditFact>>;
}

/** A recorded event. */
export interface AuditEvent extends NewAuditEvent {
  /** The generation of the session after the change; null where the event is about no single session. */
  readonly generation: number | null;
}

const SYSTEM_ACTOR: Actor = { kind: 'system' };

/** The origin of changes that no request caused. */
export const SYSTEM: ChangeOrigin = { actor: SYSTEM_ACTOR, address: null, userAgent: null };

type Client = Pick<ClientInfo, 'address' | 'userAgent'>;

/** A change by a user: by a password, a token, or a link in a mail. */
export function byUser({ address, userAgent }: Client): ChangeOrigin {
  return { actor: { kind: 'user' }, address, userAgent };
}

export function byServiceKey(name: string, { address, userAgent }: Client): ChangeOrigin {
  return { actor: { kind: 'service_key', name }, address, userAgent };
}

/** A change by an operator of the console, who is named by the user id; `reason` null: the request changes nothing. */
export function byOperator(
  userId: string,
  reason: string | null,
  { address, userAgent }: Client,
): ChangeOrigin {
  const actor = { kind: 'operator', name: userId } as const;
  return { actor, address, userAgent, ...(reason !== null && { statedReason: reason }) };
}

/** A change by a command on the machine of the service. `systemUser` is the user of the operating system. */
export function byCommand(systemUser: string): ChangeOrigin {
  return { actor: { kind: 'operator', name: `command of ${systemUser}` }, address: null, userAgent: null };
}

/** A login by user id: by a service key, or by a program that the configuration admits without a key. */
export function byBackend(clientId: string, client: Client): ChangeOrigin {
  return clientId === OWN_CLIENT_ID ? asSystem(byUser(client)) : byServiceKey(clientId, client);
}

/** What the service does by itself on a request, such as ending sessions beyond the limit. */
export function asSystem(origin: ChangeOrigin): ChangeOrigin {
  const { address, userAgent } = origin;
  return { actor: SYSTEM_ACTOR, address, userAgent };
}

/**
 * The members of domain events that the audit log keeps. The list is closed, so that a new member of an event cannot
 * put a secret into the log. Mail addresses and user names stay out: the log survives the account.
 */
const KEPT_FACTS: ReadonlySet<string> = new Set([
  'acr',
  'amr',
  'blocked',
  'changed',
  'claimNames',
  'emailVerified',
  'factorId',
  'kind',
  'presentedGeneration',
  'previousAddress',
  'previousUserAgent',
  'reason',
  'roles',
  'storedGeneration',
  'undone',
]);

/** The event of a refused proof, where the user is known. The caller limits how often such an event is recorded. */
export function refusalEvent(
  id: string,
  type: RefusalType,
  { userId, client, at }: { readonly userId: string; readonly client: ClientInfo; readonly at: number },
): NewAuditEvent {
  return { id, type, occurredAt: at, userId, sessionId: null, origin: byUser(client), data: {} };
}

/** The audit event of an occurrence; null where the occurrence only repeats another occurrence for a mail. */
export function auditEvent(
  id: string,
  { event, details }: Occurrence,
  origin: ChangeOrigin,
): NewAuditEvent | null {
  if (isRepeatForMail(event)) return null;
  const { type, occurredAt, data } = event;
  return {
    id,
    type,
    occurredAt,
    userId: data.userId,
    sessionId: 'sessionId' in data ? data.sessionId : null,
    origin,
    data: { ...keptFacts(data), ...details, ...statedReasonOf(origin) },
  };
}

/** A change that other systems get no event about. */
export interface RecordedChange extends Pick<NewAuditEvent, 'occurredAt' | 'userId' | 'origin' | 'data'> {
  readonly type: ChangeType;
}

export function changeEvent(id: string, { data, ...change }: RecordedChange): NewAuditEvent {
  return { ...change, id, sessionId: null, data: { ...data, ...statedReasonOf(change.origin) } };
}

function statedReasonOf({ statedReason }: ChangeOrigin): Record<string, string> {
  return statedReason === undefined ? {} : { statedReason };
}

function keptFacts(data: DomainEvent['data']): Record<string, AuditFact> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => KEPT_FACTS.has(name)));
}

/** An entry of a change: an audit event, or a delivery. */
type Entry = { readonly kind: 'audit'; readonly origin: ChangeOrigin } | { readonly kind: 'event' | 'mail' };

/** The origin for the entries that a store adds to a change: that of the first audit entry of the change. */
export function originOfChange(entries: readonly Entry[]): ChangeOrigin {
  const audited = entries.find((entry) => entry.kind === 'audit');
  return audited?.origin ?? SYSTEM;
}
