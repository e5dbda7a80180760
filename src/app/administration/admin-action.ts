import type { Actor, ChangeOrigin } from '../../domain/audit.ts';
import type { DomainEvent } from '../../domain/events.ts';
import type { ProofKind } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { SecurityEvent, SecurityLog } from '../../ports/security-log.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import { changeEntries } from '../change-entries.ts';

export interface AdminActionDeps {
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/**
 * An administrative action. The use cases of this folder record it with {@link entriesOfAction} and
 * {@link reportAction} only.
 */
export interface AdminAction {
  readonly type: SecurityEvent;
  readonly origin: ChangeOrigin;
  readonly userId: string;
  /** The kind of the second factor, for the log. */
  readonly kind?: ProofKind;
  readonly events: readonly DomainEvent[];
}

/** The entries that are recorded in the transaction of the action. */
export function entriesOfAction(
  { newId }: Pick<AdminActionDeps, 'newId'>,
  { events, origin }: AdminAction,
): readonly ChangeEntry[] {
  return changeEntries(
    newId,
    origin,
    events.map((event) => ({ event })),
  );
}

/** Logs an action that has been committed. */
export function reportAction(
  { securityLog }: Pick<AdminActionDeps, 'securityLog'>,
  { type, origin: { actor, address }, userId, kind }: AdminAction,
): void {
  securityLog(type, {
    actor: describeActor(actor),
    userId,
    ...(address !== null && { address }),
    ...(kind && { kind }),
  });
}

function describeActor({ kind, name }: Actor): string {
  return name === undefined ? kind : `${kind} ${name}`;
}
