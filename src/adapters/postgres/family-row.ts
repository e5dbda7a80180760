import type { ChangePolicy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { CurrentPair, Door, TokenFamily } from '../../domain/token-family.ts';

/** A row of `token_families` as the driver reads it. */
export interface FamilyRow {
  token_family: string;
  user_id: string;
  paired: boolean;
  door: Door;
  client_id: string;
  contact: string | null;
  on_address_change: ChangePolicy;
  on_user_agent_change: ChangePolicy;
  login_address: string;
  known_since_login: string[];
  created_at: Date;
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
  rotated_at: Date;
}

export function toFamily(row: FamilyRow): TokenFamily {
  return {
    tokenFamily: row.token_family,
    userId: row.user_id,
    paired: row.paired,
    door: row.door,
    clientId: row.client_id,
    contact: row.contact,
    onAddressChange: row.on_address_change,
    onUserAgentChange: row.on_user_agent_change,
    loginAddress: row.login_address,
    knownSinceLogin: row.known_since_login,
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at.getTime(),
    revoked:
      row.revoked_at && row.revoked_reason
        ? { at: row.revoked_at.getTime(), reason: row.revoked_reason }
        : null,
    generation: row.generation,
    hashedRefreshTokenId: row.hashed_refresh_token_id.toString('base64url'),
    previousHash: row.previous_hash?.toString('base64url') ?? null,
    retryKeyHash: row.retry_key_hash?.toString('base64url') ?? null,
    scheme: row.scheme,
    seed: row.seed,
    accessKeyId: row.access_key_id,
    refreshKeyId: row.refresh_key_id,
    accessExpiresAt: row.access_expires_at.getTime(),
    refreshExpiresAt: row.refresh_expires_at.getTime(),
    address: row.address,
    userAgent: row.user_agent,
    rotatedAt: row.rotated_at.getTime(),
  };
}

/** The columns that a rotation replaces. */
export function pairColumns(pair: CurrentPair) {
  return {
    generation: pair.generation,
    hashed_refresh_token_id: bytes(pair.hashedRefreshTokenId),
    previous_hash: pair.previousHash === null ? null : bytes(pair.previousHash),
    retry_key_hash: pair.retryKeyHash === null ? null : bytes(pair.retryKeyHash),
    scheme: pair.scheme,
    seed: Buffer.from(pair.seed),
    access_key_id: pair.accessKeyId,
    refresh_key_id: pair.refreshKeyId,
    access_expires_at: new Date(pair.accessExpiresAt),
    refresh_expires_at: new Date(pair.refreshExpiresAt),
    address: pair.address,
    user_agent: pair.userAgent,
    rotated_at: new Date(pair.rotatedAt),
  };
}

/** All columns of a live family. */
export function familyColumns(family: TokenFamily) {
  return {
    token_family: family.tokenFamily,
    user_id: family.userId,
    paired: family.paired,
    door: family.door,
    client_id: family.clientId,
    contact: family.contact,
    on_address_change: family.onAddressChange,
    on_user_agent_change: family.onUserAgentChange,
    login_address: family.loginAddress,
    known_since_login: [...family.knownSinceLogin],
    created_at: new Date(family.createdAt),
    expires_at: new Date(family.expiresAt),
    ...pairColumns(family),
  };
}

/** A hash as the database keeps it. */
export function bytes(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}

/** Columns as PostgreSQL reads them from JSON: bytes in their text form. */
export function asJson(columns: object) {
  const entries = Object.entries(columns).map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value,
  ]);
  return Object.fromEntries(entries);
}
