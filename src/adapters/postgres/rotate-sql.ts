import type { Rotation, StepUp } from '../../ports/stores/token-families.ts';
import {
  AUTHENTICATION_COLUMNS,
  authenticationColumns,
  PAIR_COLUMNS,
  pairColumns,
  RETURNED_COLUMNS,
  type ReturnedRow,
  toHexLiteral,
} from './family-row.ts';
import { columnsOf, columnTypes, statementText } from './statement-text.ts';
import { ownerColumns } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/**
 * Compare-and-set: families with the expected row get their next pair. Other families do not change. The statement
 * returns {@link RETURNED_COLUMNS}. It waits for locked families.
 */
export function rotateSql(sql: Executor, rotations: readonly Rotation[]) {
  return sql<ReturnedRow[]>(ROTATE, JSON.stringify(rotations.map(toRecord)));
}

/** As {@link rotateSql}, but skips families that another transaction has locked, so the statement never waits. */
export function rotateSkippingLockedSql(sql: Executor, rotations: readonly Rotation[]) {
  return sql<ReturnedRow[]>(ROTATE_SKIPPING_LOCKED, JSON.stringify(rotations.map(toRecord)));
}

/** As {@link rotateSql}, and replaces the authentication. */
export function stepUpSql(sql: Executor, change: StepUp) {
  const record = toRecord(change);
  const next = { ...record.next, ...authenticationColumns(change.authentication) };
  return sql<ReturnedRow[]>(STEP_UP, JSON.stringify([{ ...record, next }]));
}

/** The columns of a rotation in its JSON form. */
const RECORD_TYPES = {
  token_family: 'uuid',
  user_id: 'uuid',
  user_id_text: 'text',
  paired: 'boolean',
  confidential: 'boolean',
  jkt: 'text',
  generation: 'integer',
  hashed_refresh_token_id: 'bytea',
  scheme: 'text',
  on_address_change: 'text',
  on_user_agent_change: 'text',
  user_agent: 'text',
  product_hash: 'bytea',
  unless_retry_key: 'bytea',
  rotated_at: 'timestamptz',
  next: 'json',
};

/**
 * Any number of rotations in one parameter, so that one prepared statement serves all of them.
 *
 * PostgreSQL estimates that `json_to_recordset` returns a hundred rows, and prefers a scan of the whole table to a
 * hundred look-ups. The condition `generation + 0 = generation` is always true and lowers the estimate.
 */
const REQUESTED = `(
  select ${columnsOf('record', Object.keys(RECORD_TYPES))}
  from json_to_recordset($1::text::json) as record(${columnTypes(RECORD_TYPES)})
  where generation + 0 = generation
) requested`;

/**
 * Compares the user with `is not distinct from`, and the revocation without `is null`, so that no index but the key
 * matches. On a table without statistics the planner preferred the index of all unrevoked sessions, and read all of it.
 */
const MATCHES_EXPECTED = `
  family.token_family = requested.token_family
    and family.user_id is not distinct from requested.user_id
    and family.user_id_text is not distinct from requested.user_id_text
    and family.paired = requested.paired
    and family.confidential = requested.confidential
    and family.jkt is not distinct from requested.jkt
    and family.generation = requested.generation
    and family.hashed_refresh_token_id = requested.hashed_refresh_token_id
    and family.scheme = requested.scheme
    and family.on_address_change = requested.on_address_change
    and family.on_user_agent_change = requested.on_user_agent_change
    and (
      family.on_user_agent_change = 'ignore'
      or (family.user_agent = requested.user_agent and family.product_hash is not distinct from requested.product_hash)
    )
    and (family.retry_key_hash <> requested.unless_retry_key) is not false
    and coalesce(family.revoked_at, 'infinity') = 'infinity'
    and family.expires_at > requested.rotated_at`;

/** Replaces the columns by those of `requested.next`. */
function assignNext(columns: readonly string[]): string {
  const names = columns.join(', ');
  return `
    (${names}) = (select ${names} from json_populate_record(null::token_families, requested.next)),
    claims = coalesce(family.next_claims, family.claims), next_claims = null`;
}

const RETURNED = columnsOf('family', RETURNED_COLUMNS);

function rotateText(columns: readonly string[]): TemplateStringsArray {
  return statementText(`
    update token_families family set ${assignNext(columns)}
    from ${REQUESTED}
    where ${MATCHES_EXPECTED}
    returning ${RETURNED}`);
}

const ROTATE = rotateText(PAIR_COLUMNS);

const STEP_UP = rotateText([...PAIR_COLUMNS, ...AUTHENTICATION_COLUMNS]);

const ROTATE_SKIPPING_LOCKED = statementText(`
  with unlocked as materialized (
    select ${columnsOf('requested', Object.keys(RECORD_TYPES))}
    from ${REQUESTED} join token_families family on ${MATCHES_EXPECTED}
    for update of family skip locked
  )
  update token_families family set ${assignNext(PAIR_COLUMNS)}
  from unlocked requested
  where family.token_family = requested.token_family
  returning ${RETURNED}`);

function toRecord({ expected, next, unlessRetryKey }: Rotation) {
  return {
    token_family: expected.tokenFamily,
    ...ownerColumns(expected.userId),
    paired: expected.paired,
    confidential: expected.confidential,
    jkt: expected.jkt,
    generation: expected.generation,
    hashed_refresh_token_id: toHexLiteral(expected.hashedRefreshTokenId),
    scheme: expected.scheme,
    on_address_change: expected.onAddressChange,
    on_user_agent_change: expected.onUserAgentChange,
    user_agent: expected.userAgent,
    product_hash: toHexLiteral(expected.productHash),
    unless_retry_key: toHexLiteral(unlessRetryKey),
    rotated_at: new Date(next.rotatedAt),
    next: pairColumns(next),
  };
}
