import type { Rotation } from '../../ports/stores/token-families.ts';
import { asJson, asText, bytes, LASTING, pairColumns } from './family-row.ts';
import type { Executor } from './with-outbox.ts';

/** Compare and set: the families that are as expected get their next pair; others stay as they are. */
export function rotateSql(sql: Executor, rotations: readonly Rotation[]) {
  return sql`
    update token_families family set ${assignNextPair(sql, rotations)}
    from ${rotationsAsTable(sql, rotations)}
    where ${matchesExpected(sql)}
    returning ${lastingColumns(sql)}`;
}

/** The same, but for families whose rows somebody else holds at this moment: it waits for none of them. */
export function rotateSkippingLockedSql(sql: Executor, rotations: readonly Rotation[]) {
  return sql`
    with free as materialized (
      select ${sql(ROTATION_COLUMNS.map((column) => `asked.${column}`))} from ${rotationsAsTable(sql, rotations)} join token_families family on ${matchesExpected(sql)}
      for update of family skip locked
    )
    update token_families family set ${assignNextPair(sql, rotations)}
    from free asked
    where family.token_family = asked.token_family
    returning ${lastingColumns(sql)}`;
}

/**
 * One parameter for any number of rotations, so that the statement is always the same one, and prepared once.
 *
 * PostgreSQL takes it for granted that there are a hundred, and would sooner read a whole table than look up a
 * hundred rows of it. So there is an equation that holds for all of them: whatever has one is taken to be rare.
 */
function rotationsAsTable(sql: Executor, rotations: readonly Rotation[]) {
  return sql`
    (select ${sql(ROTATION_COLUMNS)} from json_to_recordset(${JSON.stringify(rotations.map(toRecord))}::text::json) as each_one (
      token_family uuid, user_id uuid, paired boolean, confidential boolean, generation integer, hashed_refresh_token_id bytea,
      scheme text, on_address_change text, on_user_agent_change text, user_agent text, product_hash bytea,
      unless_retry_key bytea, rotated_at timestamptz, next json
    ) where generation + 0 = generation) asked`;
}

const ROTATION_COLUMNS = [
  'token_family',
  'user_id',
  'paired',
  'confidential',
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

function toRecord({ expected, next, unlessRetryKey }: Rotation) {
  return {
    token_family: expected.tokenFamily,
    user_id: expected.userId,
    paired: expected.paired,
    confidential: expected.confidential,
    generation: expected.generation,
    hashed_refresh_token_id: asText(bytes(expected.hashedRefreshTokenId)),
    scheme: expected.scheme,
    on_address_change: expected.onAddressChange,
    on_user_agent_change: expected.onUserAgentChange,
    user_agent: expected.userAgent,
    product_hash: expected.productHash === null ? null : asText(bytes(expected.productHash)),
    unless_retry_key: unlessRetryKey === null ? null : asText(bytes(unlessRetryKey)),
    rotated_at: new Date(next.rotatedAt),
    next: asJson(pairColumns(next)),
  };
}

/** The user is not equated: then an index of all their sessions could seem as good as the key. */
function matchesExpected(sql: Executor) {
  return sql`
    family.token_family = asked.token_family
      and family.user_id is not distinct from asked.user_id
      and family.paired = asked.paired
      and family.confidential = asked.confidential
      and family.generation = asked.generation
      and family.hashed_refresh_token_id = asked.hashed_refresh_token_id
      and family.scheme = asked.scheme
      and family.on_address_change = asked.on_address_change
      and family.on_user_agent_change = asked.on_user_agent_change
      and (
        family.on_user_agent_change = 'ignore'
        or (family.user_agent = asked.user_agent and family.product_hash is not distinct from asked.product_hash)
      )
      and (family.retry_key_hash <> asked.unless_retry_key) is not false
      and family.revoked_at is null
      and family.expires_at > asked.rotated_at`;
}

function assignNextPair(sql: Executor, rotations: readonly Rotation[]) {
  const columns = sql(rotations.slice(0, 1).flatMap(({ next }) => Object.keys(pairColumns(next))));
  return sql`(${columns}) = (select ${columns} from json_populate_record(null::token_families, asked.next))`;
}

function lastingColumns(sql: Executor) {
  return sql(LASTING.map((column) => `family.${column}`));
}
