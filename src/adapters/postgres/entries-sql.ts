import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { TraceContext } from '../../ports/tracing.ts';
import { auditColumns } from './audit-row.ts';
import { columnsOf, columnTypes } from './statement-text.ts';

/** The columns of an entry in its JSON form. */
const ENTRY_TYPES = {
  id: 'uuid',
  kind: 'text',
  type: 'text',
  data: 'jsonb',
  occurred_at: 'timestamptz',
  trace: 'jsonb',
  subject: 'text',
  if_new_device: 'boolean',
  user_id: 'uuid',
  user_id_text: 'text',
  session_id: 'uuid',
  actor: 'text',
  actor_name: 'text',
  address: 'text',
  user_agent: 'text',
};

export const ENTRY_COLUMNS = columnsOf('entry', Object.keys(ENTRY_TYPES));

/** The row type that `jsonb_to_recordset` returns for entries. */
export const ENTRY_RECORD = `entry(${columnTypes(ENTRY_TYPES)})`;

/** An entry in its JSON form. An event or a mail also has the context of the trace in which it was made. */
export function toEntryRecord(entry: ChangeEntry, trace: TraceContext | null) {
  const subject = entry.oncePerDay ?? null;
  if (entry.kind === 'audit') {
    return { ...auditColumns(entry), kind: entry.kind, subject, if_new_device: false };
  }
  const { id, kind, event, ifNewDevice } = entry;
  const { type, data, occurredAt } = event;
  const occurred_at = new Date(occurredAt).toISOString();
  return { id, kind, type, data, occurred_at, trace, subject, if_new_device: ifNewDevice === true };
}

interface Recording {
  /** A join of the tables `changed` and `entry`. */
  readonly from: string;
  /** The address for mails, an expression. */
  readonly contact: string;
  /** The generation of the changed family, an expression. */
  readonly generation: string;
  /** Which entries are recorded. */
  readonly condition: string;
}

/** Common table expressions that record the entries of the table `entry`. */
export function recordEntries({ from, contact, generation, condition }: Recording): string {
  return `
    recorded as (
      insert into outbox (id, kind, type, data, occurred_at, contact, due_at, trace)
      select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, ${contact}, entry.occurred_at,
        entry.trace
      from ${from}
      where entry.kind <> 'audit' and ${condition}
    ),
    audited as (
      insert into security_events (id, occurred_at, type, user_id, user_id_text, session_id, actor, actor_name, address,
        user_agent, generation, data)
      select entry.id, entry.occurred_at, entry.type, entry.user_id, entry.user_id_text, entry.session_id, entry.actor,
        entry.actor_name, entry.address, entry.user_agent, ${generation}, entry.data
      from ${from}
      where entry.kind = 'audit' and ${condition}
    )`;
}

/**
 * As {@link recordEntries}, for the entries of families. An entry with a subject is recorded at most once for each
 * family, subject and day, and never if the family has known the subject since login. The rows of `changed` must have
 * {@link FAMILY_COLUMNS_OF_ENTRIES}.
 */
export function recordFamilyEntries({ from, condition }: Pick<Recording, 'from' | 'condition'>): string {
  const isDue = `(entry.subject is null
        or (changed.token_family, entry.subject) in (select token_family, subject from notified))`;
  return `
    notified as (
      insert into told_subjects (token_family, subject, day)
      select distinct changed.token_family, entry.subject, (entry.occurred_at at time zone 'utc')::date
      from ${from}
      where entry.subject <> all (changed.known_since_login)
      on conflict do nothing
      returning token_family, subject
    ),
    ${recordEntries({
      from,
      contact: 'changed.contact',
      generation: 'changed.generation',
      condition: `${isDue} and ${condition}`,
    })}`;
}
