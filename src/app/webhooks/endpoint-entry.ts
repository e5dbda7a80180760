import type { ChangeOrigin, ChangeType, RecordedChange } from '../../domain/audit.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { AuditEntry } from '../../ports/stores/audit-log.ts';
import type { EndpointChange } from '../../ports/stores/webhook-endpoints.ts';
import { auditOnlyEntry } from '../change-entries.ts';

interface EntryDeps {
  readonly newId: NewId;
  readonly clock: Clock;
}

/** A change of an endpoint by an operator or a receiver. Neither its URL nor a secret is among the facts. */
interface EndpointAction {
  readonly type: Extract<ChangeType, `webhooks.${string}`>;
  readonly endpointId: string;
  readonly origin: ChangeOrigin;
  readonly facts?: RecordedChange['data'];
}

/** The entry of the audit log for an action on an endpoint. */
export function endpointEntry(
  { newId, clock }: EntryDeps,
  { type, endpointId, origin, facts }: EndpointAction,
): AuditEntry {
  return auditOnlyEntry(newId, {
    type,
    origin,
    occurredAt: clock(),
    userId: null,
    data: { endpointId, ...facts },
  });
}

/** The members of a change that the log names. The other members follow from these. */
const NAMED = ['url', 'types', 'contact', 'state', 'stream', 'sealedCredentials'] as const;

/** The entry for a change of an endpoint, which names what was changed. */
export function endpointChangeEntry(
  deps: EntryDeps,
  endpointId: string,
  change: EndpointChange,
  origin: ChangeOrigin,
): AuditEntry {
  const changed = NAMED.filter((name) => Object.hasOwn(change, name));
  const facts = { changed, ...(change.state !== undefined && { state: change.state }) };
  return endpointEntry(deps, { type: 'webhooks.changed', endpointId, origin, facts });
}
