import type { Authentication, Level, Method } from '../../domain/authentication.ts';
import { type Claims, NO_CLAIMS } from '../../domain/claims.ts';
import type { Door } from '../../domain/door.ts';
import type { ChangePolicy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { CurrentPair, TokenFamily } from '../../domain/token-family.ts';
import type { Rotation } from '../../ports/stores/token-families.ts';
import { type OwnedRow, ownerColumns, toUserId } from './user-key.ts';

/** A row of `token_families` as the driver reads it. */
export interface FamilyRow extends OwnedRow {
  token_family: string;
  paired: boolean;
  door: Door;
  client_id: string;
  confidential: boolean;
  remembered: boolean;
  jkt: string | null;
  contact: string | null;
  on_address_change: ChangePolicy;
  on_user_agent_change: ChangePolicy;
  login_address: string;
  known_since_login: string[];
  created_at: Date;
  /** This column and the next three are null in rows of older releases. */
  auth_time: Date | null;
  amr: Method[] | null;
  acr: Level | null;
  auth_generation: number | null;
  /**
   * This column and the next three are null in rows of older releases. Null `claims` mean no claims. With null
   * `next_claims`, a rotation keeps `claims`.
   */
  session_claims: Claims | null;
  claims: Claims | null;
  next_claims: Claims | null;
  device_name: string | null;
  expires_at: Date;
  revoked_at: Date | null;
  revoked_reason: RevocationReason | null;
  generation: number;
  hashed_refresh_token_id: Buffer;
  previous_hash: Buffer | null;
  retry_key_hash: Buffer | null;
  scheme: string;
  seed: Buffer;
  access_key_id: string;
  refresh_key_id: string;
  access_expires_at: Date;
  refresh_expires_at: Date;
  address: string;
  user_agent: string;
  product_hash: Buffer | null;
  rotated_at: Date;
}

/** Statements name their columns. With `*` a column of a newer release would make prepared statements fail. */
export const FAMILY_COLUMNS = [
  'token_family',
  'user_id',
  'user_id_text',
  'paired',
  'door',
  'client_id',
  'confidential',
  'remembered',
  'jkt',
  'contact',
  'on_address_change',
  'on_user_agent_change',
  'login_address',
  'known_since_login',
  'created_at',
  'auth_time',
  'amr',
  'acr',
  'auth_generation',
  'session_claims',
  'claims',
  'next_claims',
  'device_name',
  'expires_at',
  'revoked_at',
  'revoked_reason',
  'generation',
  'hashed_refresh_token_id',
  'previous_hash',
  'retry_key_hash',
  'scheme',
  'seed',
  'access_key_id',
  'refresh_key_id',
  'access_expires_at',
  'refresh_expires_at',
  'address',
  'user_agent',
  'product_hash',
  'rotated_at',
] as const satisfies readonly (keyof FamilyRow)[];

export function toFamily(row: FamilyRow): TokenFamily {
  const userId = toUserId(row);
  const { paired, confidential, jkt, revoked_at: at, revoked_reason: reason } = row;
  const policies = { onAddressChange: row.on_address_change, onUserAgentChange: row.on_user_agent_change };
  const revoked = at && reason && { at: at.getTime(), reason };
  return assembleFamily(toPair(row), row, { userId, paired, confidential, jkt, ...policies }, revoked);
}

function toPair(row: FamilyRow): CurrentPair {
  return {
    generation: row.generation,
    hashedRefreshTokenId: row.hashed_refresh_token_id.toString('base64url'),
    hashedPreviousTokenId: row.previous_hash?.toString('base64url') ?? null,
    retryKeyHash: row.retry_key_hash?.toString('base64url') ?? null,
    scheme: row.scheme,
    seed: row.seed,
    accessKeyId: row.access_key_id,
    refreshKeyId: row.refresh_key_id,
    accessExpiresAt: row.access_expires_at.getTime(),
    refreshExpiresAt: row.refresh_expires_at.getTime(),
    address: row.address,
    userAgent: row.user_agent,
    productHash: row.product_hash?.toString('base64url') ?? null,
    rotatedAt: row.rotated_at.getTime(),
  };
}

/**
 * The columns that a rotation returns: the key, and the columns that neither the expected row nor the next pair
 * contains. Also the generation, which the entries of the rotation need.
 */
export const RETURNED_COLUMNS = [
  'token_family',
  'generation',
  'door',
  'client_id',
  'remembered',
  'contact',
  'login_address',
  'known_since_login',
  'created_at',
  'auth_time',
  'amr',
  'acr',
  'auth_generation',
  'session_claims',
  'claims',
  'next_claims',
  'device_name',
  'expires_at',
] as const;

export type ReturnedRow = Pick<FamilyRow, (typeof RETURNED_COLUMNS)[number]>;

/**
 * The family after its rotation: the next pair, the unchanged expected values, and the returned columns. The returned
 * row has the new authentication.
 */
export function toRotatedFamily({ expected, next }: Rotation, row: ReturnedRow): TokenFamily {
  return assembleFamily(next, row, expected, null);
}

type ExpectedFields = Pick<
  TokenFamily,
  'userId' | 'paired' | 'confidential' | 'jkt' | 'onAddressChange' | 'onUserAgentChange'
>;

function assembleFamily(
  pair: CurrentPair,
  row: ReturnedRow,
  { userId, paired, confidential, jkt, onAddressChange, onUserAgentChange }: ExpectedFields,
  revoked: TokenFamily['revoked'],
): TokenFamily {
  // Assigned field by field: an object of this size that is built by spreading is twenty times slower to create and
  // read.
  return {
    generation: pair.generation,
    hashedRefreshTokenId: pair.hashedRefreshTokenId,
    hashedPreviousTokenId: pair.hashedPreviousTokenId,
    retryKeyHash: pair.retryKeyHash,
    scheme: pair.scheme,
    seed: pair.seed,
    accessKeyId: pair.accessKeyId,
    refreshKeyId: pair.refreshKeyId,
    accessExpiresAt: pair.accessExpiresAt,
    refreshExpiresAt: pair.refreshExpiresAt,
    address: pair.address,
    userAgent: pair.userAgent,
    productHash: pair.productHash,
    rotatedAt: pair.rotatedAt,
    tokenFamily: row.token_family,
    userId,
    paired,
    door: row.door,
    clientId: row.client_id,
    confidential,
    remembered: row.remembered,
    jkt,
    contact: row.contact,
    onAddressChange,
    onUserAgentChange,
    loginAddress: row.login_address,
    knownSinceLogin: row.known_since_login,
    createdAt: row.created_at.getTime(),
    authentication: {
      authTime: (row.auth_time ?? row.created_at).getTime(),
      amr: row.amr ?? [],
      acr: row.acr,
      generation: row.auth_generation ?? 0,
    },
    deviceName: row.device_name,
    sessionClaims: row.session_claims ?? NO_CLAIMS,
    claims: row.claims ?? NO_CLAIMS,
    nextClaims: row.next_claims,
    expiresAt: row.expires_at.getTime(),
    revoked,
  };
}

export const PAIR_COLUMNS = [
  'generation',
  'hashed_refresh_token_id',
  'previous_hash',
  'retry_key_hash',
  'scheme',
  'seed',
  'access_key_id',
  'refresh_key_id',
  'access_expires_at',
  'refresh_expires_at',
  'address',
  'user_agent',
  'product_hash',
  'rotated_at',
] as const satisfies readonly (keyof FamilyRow)[];

/** The columns that a rotation replaces, in JSON form. */
export function pairColumns(pair: CurrentPair): Record<(typeof PAIR_COLUMNS)[number], unknown> {
  return {
    generation: pair.generation,
    hashed_refresh_token_id: toHexLiteral(pair.hashedRefreshTokenId),
    previous_hash: toHexLiteral(pair.hashedPreviousTokenId),
    retry_key_hash: toHexLiteral(pair.retryKeyHash),
    scheme: pair.scheme,
    seed: hexLiteralOf(pair.seed),
    access_key_id: pair.accessKeyId,
    refresh_key_id: pair.refreshKeyId,
    access_expires_at: new Date(pair.accessExpiresAt),
    refresh_expires_at: new Date(pair.refreshExpiresAt),
    address: pair.address,
    user_agent: pair.userAgent,
    product_hash: toHexLiteral(pair.productHash),
    rotated_at: new Date(pair.rotatedAt),
  };
}

/** The columns that a new family gets from the database, or only later. */
const SET_LATER = ['revoked_at', 'revoked_reason', 'claims', 'next_claims'] as const;

export const NEW_FAMILY_COLUMNS = FAMILY_COLUMNS.filter((name) => !SET_LATER.some((later) => later === name));

/** All columns of a live family in JSON form, apart from its merged claims: the database adds them. */
export function familyColumns(
  family: TokenFamily,
): Record<Exclude<(typeof FAMILY_COLUMNS)[number], (typeof SET_LATER)[number]>, unknown> {
  return {
    token_family: family.tokenFamily,
    ...ownerColumns(family.userId),
    paired: family.paired,
    door: family.door,
    client_id: family.clientId,
    confidential: family.confidential,
    remembered: family.remembered,
    jkt: family.jkt,
    contact: family.contact,
    on_address_change: family.onAddressChange,
    on_user_agent_change: family.onUserAgentChange,
    login_address: family.loginAddress,
    known_since_login: family.knownSinceLogin,
    created_at: new Date(family.createdAt),
    ...authenticationColumns(family.authentication),
    device_name: family.deviceName,
    session_claims: family.sessionClaims,
    expires_at: new Date(family.expiresAt),
    ...pairColumns(family),
  };
}

export const AUTHENTICATION_COLUMNS = ['auth_time', 'amr', 'acr', 'auth_generation'] as const;

/** The columns that only a step-up replaces, in JSON form. */
export function authenticationColumns({
  authTime,
  amr,
  acr,
  generation,
}: Authentication): Record<(typeof AUTHENTICATION_COLUMNS)[number], unknown> {
  return { auth_time: new Date(authTime), amr, acr, auth_generation: generation };
}

/** A hash as the database stores it. */
export function decodeHash(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}

/** A hash in the text form of a `bytea`. */
export function toHexLiteral(base64url: string): string;
export function toHexLiteral(base64url: string | null): string | null;
export function toHexLiteral(base64url: string | null): string | null {
  return base64url === null ? null : hexLiteralOf(decodeHash(base64url));
}

function hexLiteralOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
