import { asSystem, originOfChange } from '../../domain/audit.ts';
import { type Claims, NO_CLAIMS } from '../../domain/claims.ts';
import { DEVICE_KNOWN_FOR } from '../../domain/policy.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { OpenedSession, OpeningCondition, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { CurrentTrace, TraceContext } from '../../ports/tracing.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import { originColumns } from './audit-row.ts';
import { createBatcher } from './batcher.ts';
import type { Sql } from './connect.ts';
import { ENTRY_COLUMNS, ENTRY_RECORD, recordFamilyEntries, toEntryRecord } from './entries-sql.ts';
import { execute, violates } from './execute.ts';
import { familyColumns, NEW_FAMILY_COLUMNS } from './family-row.ts';
import { columnsOf, columnTypes, statementText } from './statement-text.ts';
import { userKey } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/** A session to open. */
export interface Opening {
  readonly family: TokenFamily;
  readonly entries: readonly ChangeEntry[];
  readonly condition?: OpeningCondition | undefined;
  /** The number of other sessions that the user keeps. */
  readonly keptCount: number;
  readonly trace: TraceContext | null;
}

/**
 * What a statement did for an opening. A row is missing if the account is not as the condition says. The statement of
 * a batch also returns no row for an opening that it skips.
 */
interface OpeningRow {
  readonly requested: string;
  /** The ids of the sessions that ended. */
  readonly revoked: readonly string[];
  /** The new family. Null: more sessions must end first. */
  readonly token_family: string | null;
  readonly claims: Claims | null;
}

type OpeningResult = Awaited<ReturnType<TokenFamilies['open']>>;

/** Options of the stores that open and end sessions. */
export interface SessionStoreOptions {
  /** The maximum number of live sessions of one user. */
  readonly sessionsPerUser: number;
  readonly currentTrace?: CurrentTrace | undefined;
}

/**
 * Opens sessions as {@link TokenFamilies.open} says. Concurrent openings without a condition share a statement. This
 * statement skips users whose state another transaction has locked, and disabled users: their openings run alone.
 */
export function createSessionOpener(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): TokenFamilies['open'] {
  const openBatched = createBatcher<Opening, OpeningResult>({
    keyOf: ({ family }) => userKey(family.userId),

    async runBatch(openings) {
      const rows = await execute(sql<OpeningRow[]>(OPEN_SKIPPING_LOCKED, toRecords(openings)));
      const byFamily = new Map(openings.map((opening) => [opening.family.tokenFamily, opening]));
      assertEach(rows, (row) => byFamily.has(row.requested));
      return new Map(
        rows.map((row) => {
          const opening = byFamily.get(row.requested)!;
          return [userKey(opening.family.userId), toOpened(row) ?? openAlone(opening, row.revoked)];
        }),
      );
    },

    runAlone: (opening) => openAlone(opening),
  });

  return (family, entries, condition) => {
    const opening = { family, entries, condition, keptCount: sessionsPerUser - 1, trace: currentTrace() };
    const hasCondition = condition?.passwordHash !== undefined || condition?.refuseSecondFactor === true;
    return hasCondition ? openAlone(opening) : openBatched(opening);
  };

  /** Repeats the statement until enough sessions have ended. `ended` are those that ended before. */
  async function openAlone(opening: Opening, ended: readonly string[] = []): Promise<OpeningResult> {
    const row = await execute(sql<OpeningRow[]>(textFor(opening), toRecords([opening])))
      .then((rows) => rowOf(rows, opening))
      .catch(disabledIfRefused);
    if (row === null || row === 'disabled') return row;
    const sessions = [...ended, ...row.revoked];
    return toOpened({ ...row, revoked: sessions }) ?? openAlone(opening, sessions);
  }
}

/** Opens a session within a transaction that has checked the account. Null: more sessions must end first. */
export async function openSessionWithin(sql: Executor, opening: Opening): Promise<OpenedSession | null> {
  const row = rowOf(await sql<OpeningRow[]>(OPEN, toRecords([opening])), opening);
  return row && toOpened(row);
}

function rowOf(rows: readonly OpeningRow[], { family }: Opening): OpeningRow | null {
  return onlyRow(rows, ({ requested }) => isSameId(requested, family.tokenFamily));
}

function toOpened({ token_family: id, revoked, claims }: OpeningRow): OpenedSession | null {
  return id === null ? null : { sessions: revoked, claims: claims ?? NO_CLAIMS };
}

/**
 * Returns `disabled` if a statement failed because the user of a new family is disabled: see the migration
 * `administration`. Throws any other error.
 */
export function disabledIfRefused(error: unknown): 'disabled' {
  if (violates(error, 'token_families_user_is_enabled')) return 'disabled';
  throw error;
}

function textFor({ condition }: Opening): TemplateStringsArray {
  return condition?.passwordHash === undefined ? OPEN : OPEN_IF_PASSWORD;
}

/** The columns of an opening in its JSON form. */
const RECORD_TYPES = {
  token_family: 'uuid',
  user_id: 'uuid',
  password_hash: 'text',
  refuse_second_factor: 'boolean',
  kept: 'integer',
  created_at: 'timestamptz',
  trace: 'jsonb',
  origin: 'jsonb',
  family: 'json',
  entries: 'jsonb',
  notes_device: 'boolean',
  known_since: 'timestamptz',
};

function toRecords(openings: readonly Opening[]): string {
  return JSON.stringify(openings.map(toRecord));
}

function toRecord({ family, entries, condition, keptCount, trace }: Opening) {
  const origin = asSystem(originOfChange(entries));
  return {
    token_family: family.tokenFamily,
    user_id: userKey(family.userId),
    password_hash: condition?.passwordHash,
    refuse_second_factor: condition?.refuseSecondFactor === true,
    kept: keptCount,
    created_at: new Date(family.createdAt),
    trace,
    origin: { ...originColumns(origin), stated_reason: origin.statedReason },
    family: familyColumns(family),
    entries: entries.map((entry) => toEntryRecord(entry, trace)),
    notes_device: entries.some((entry) => entry.kind !== 'audit' && entry.ifNewDevice === true),
    known_since: new Date(family.createdAt - DEVICE_KNOWN_FOR),
  };
}

/** The user of the opening. No row if the account has a second factor and the opening refuses that. */
const ALLOWED = `
  allowed as materialized (
    select user_id from requested
    where not (
      refuse_second_factor and exists (select from users where id = requested.user_id and has_second_factor)
    )
  )`;

/**
 * As {@link ALLOWED}, and only if the account has the given password. Locks the row of the user before the sessions, as
 * a change of the password does: see {@link Users}.
 */
const ALLOWED_IF_PASSWORD = `
  allowed as materialized (
    select requested.user_id from requested join users on users.id = requested.user_id
    where users.password_hash = requested.password_hash
      and not (requested.refuse_second_factor and users.has_second_factor)
    for share of users
  )`;

/**
 * The enabled users whose state this statement can lock without waiting. The insertion can wait for another insertion
 * of the same user, so it goes first and in the order of ids: two batches cannot wait for each other.
 */
const ALLOWED_SKIPPING_LOCKED = `
  created as (
    insert into user_states (user_id)
    select user_id from requested order by user_id
    on conflict do nothing
    returning user_id
  ),
  unlocked as materialized (
    select state.user_id from requested join user_states state on state.user_id = requested.user_id
    where (select count(*) from created) >= 0 and state.disabled_at is null
    for update of state skip locked
  ),
  allowed as materialized (select user_id from created union all select user_id from unlocked)`;

/**
 * Opens sessions. Revokes the sessions beyond the limit of each user first. If one statement cannot revoke all of them,
 * the session is not opened yet. The condition `kept + 0 = kept` is always true. It lowers the estimated number of
 * rows, as in a rotation.
 */
function openText(allowed: string): TemplateStringsArray {
  return statementText(`
    with requested as materialized (
      select ${columnsOf('record', Object.keys(RECORD_TYPES))}
      from json_to_recordset($1::text::json) as record(${columnTypes(RECORD_TYPES)})
      where kept + 0 = kept
    ),
    ${allowed},
    room as materialized (
      select requested.token_family, batch.revoked, batch.more
      from requested join allowed on allowed.user_id = requested.user_id, lateral revoke_sessions(
        requested.user_id, requested.kept, null, requested.created_at, 'session_limit', requested.trace, requested.origin
      ) as batch
    ),
    fitting as materialized (
      select ${columnsOf('requested', Object.keys(RECORD_TYPES))}
      from requested join room on room.token_family = requested.token_family
      where not room.more
    ),
    changed as (
      insert into token_families (${NEW_FAMILY_COLUMNS.join(', ')})
      select ${columnsOf('family', NEW_FAMILY_COLUMNS)}
      from fitting, lateral json_populate_record(null::token_families, fitting.family) as family
      returning token_family, generation, contact, known_since_login, claims, address, product_hash, user_agent
    ),
    device as materialized (
      select fitting.token_family, note_device(
        fitting.user_id, fitting.token_family, changed.address, changed.product_hash, changed.user_agent,
        fitting.created_at, fitting.known_since
      ) as is_new
      from fitting join changed on changed.token_family = fitting.token_family
      where fitting.notes_device
    ),
    entry as materialized (
      select fitting.token_family, ${ENTRY_COLUMNS}
      from fitting, lateral jsonb_to_recordset(fitting.entries) as ${ENTRY_RECORD}
    ),
    ${recordFamilyEntries({
      from: `changed join entry on entry.token_family = changed.token_family
        left join device on device.token_family = changed.token_family`,
      condition: '(not entry.if_new_device or device.is_new)',
    })}
    select room.token_family as requested, room.revoked, changed.token_family, changed.claims
    from room left join changed on changed.token_family = room.token_family`);
}

const OPEN = openText(ALLOWED);
const OPEN_IF_PASSWORD = openText(ALLOWED_IF_PASSWORD);
const OPEN_SKIPPING_LOCKED = openText(ALLOWED_SKIPPING_LOCKED);
