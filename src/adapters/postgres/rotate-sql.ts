import type { Rotation, StepUp } from '../../ports/stores/token-families.ts';
import {
  authenticationColumns,
  decodeHash,
  type FamilyRow,
  pairColumns,
  RETURNED_COLUMNS,
  toHexLiteral,
  toJsonColumns,
} from './family-row.ts';
import { ownerColumns } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/** A rotation, or a step-up, which also replaces the authentication. All changes of one statement are of one kind. */
type Change = Rotation & Partial<Pick<StepUp, 'authentication'>>;

/**
 * Compare-and-set: families with the expected row get their next pair. Other families do not change. The statement
 * returns {@link RETURNED_COLUMNS}, and `more` of the changed row.
 */
export function rotateSql(
  sql: Executor,
  rotations: readonly Change[],
  more: readonly (keyof FamilyRow)[] = [],
) {
  return sql`
    update token_families family set ${assignNextColumns(sql, rotations)}
    from ${rotationsAsTable(sql, rotations)}
    where ${matchesExpected(sql)}
    returning ${returnedColumns(sql, more)}`;
}

/** As {@link rotateSql}, but skips families that another transaction has locked, so the statement never waits. */
export function rotateSkippingLockedSql(sql: Executor, rotations: readonly Rotation[]) {
  return sql`
    with unlocked as materialized (
      select ${sql(ROTATION_COLUMNS.map((column) => `requested.${column}`))} from ${rotationsAsTable(sql, rotations)} join token_families family on ${matchesExpected(sql)}
      for update of family skip locked
    )
    update token_families family set ${assignNextColumns(sql, rotations)}
    from unlocked requested
    where family.token_family = requested.token_family
    returning ${returnedColumns(sql)}`;
}

/**
 * Passes any number of rotations in one parameter, so that one prepared statement serves all of them.
 *
 * PostgreSQL estimates that `json_to_recordset` returns a hundred rows, and prefers a scan of the whole table to a
 * hundred look-ups. The condition `generation + 0 = generation` is always true and lowers the estimate.
 */
function rotationsAsTable(sql: Executor, rotations: readonly Change[]) {
  return sql`
    (select ${sql(ROTATION_COLUMNS)} from json_to_recordset(${JSON.stringify(rotations.map(toRecord))}::text::json) as record (
      token_family uuid, user_id uuid, user_id_text text, paired boolean, confidential boolean, jkt text, generation integer, hashed_refresh_token_id bytea,
      scheme text, on_address_change text, on_user_agent_change text, user_agent text, product_hash bytea,
      unless_retry_key bytea, rotated_at timestamptz, next json
    ) where generation + 0 = generation) requested`;
}

const ROTATION_COLUMNS = [
  'token_family',
  'user_id',
  'user_id_text',
  'paired',
  'confidential',
  'jkt',
  'generation',
  'hashed_refresh_token_id',
  'scheme',
  'on_address_change',
  'on_user_agent_change',
  'user_agent',
  'product_hash',
  'unless_retry_key',
  'rotated_at',
  'next',
] as const;

function toRecord(change: Change) {
  const { expected, next, unlessRetryKey } = change;
  return {
    token_family: expected.tokenFamily,
    ...ownerColumns(expected.userId),
    paired: expected.paired,
    confidential: expected.confidential,
    jkt: expected.jkt,
    generation: expected.generation,
    hashed_refresh_token_id: toHexLiteral(decodeHash(expected.hashedRefreshTokenId)),
    scheme: expected.scheme,
    on_address_change: expected.onAddressChange,
    on_user_agent_change: expected.onUserAgentChange,
    user_agent: expected.userAgent,
    product_hash: expected.productHash === null ? null : toHexLiteral(decodeHash(expected.productHash)),
    unless_retry_key: unlessRetryKey === null ? null : toHexLiteral(decodeHash(unlessRetryKey)),
    rotated_at: new Date(next.rotatedAt),
    next: toJsonColumns(nextColumns(change)),
  };
}

/**
 * Compares the user with `is not distinct from`, and the revocation without `is null`, so that no index but the key
 * matches. On a table without statistics the planner preferred the index of all unrevoked sessions, and read all of it.
 */
function matchesExpected(sql: Executor) {
  return sql`
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
}

function nextColumns({ next, authentication }: Change) {
  const columns = pairColumns(next);
  return authentication === undefined ? columns : { ...columns, ...authenticationColumns(authentication) };
}

function assignNextColumns(sql: Executor, rotations: readonly Change[]) {
  const columns = sql(rotations.slice(0, 1).flatMap((change) => Object.keys(nextColumns(change))));
  return sql`
    (${columns}) = (select ${columns} from json_populate_record(null::token_families, requested.next)),
    claims = coalesce(family.next_claims, family.claims), next_claims = null`;
}

function returnedColumns(sql: Executor, more: readonly (keyof FamilyRow)[] = []) {
  const columns = new Set<string>([...RETURNED_COLUMNS, ...more]);
  return sql([...columns].map((column) => `family.${column}`));
}
