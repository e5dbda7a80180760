import { createHash, type KeyObject } from 'node:crypto';
import { isUuid } from '../../domain/user-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import { deriveKey, isEqual, keyedHash } from './keyed.ts';

/** Creates link secrets under keys that are derived from the hash keys (HKDF, RFC 5869), newest first. */
export function createLinkSecrets(hashKeys: readonly NamedKey[]): LinkSecrets {
  const notMeKeys = hashKeys.map(({ bytes }) => deriveKey(bytes, 'kinship not me'));
  const [newest] = hashKeys;
  const [notMeKey] = notMeKeys;
  if (newest === undefined || notMeKey === undefined) throw new Error('At least one hash key is needed.');
  const makeSecret = (purpose: string, label: string, linkId: string) => {
    // An id of an earlier release names no key.
    const { bytes } = hashKeys.find(({ id }) => linkId.startsWith(`${id}.`)) ?? newest;
    return keyedHash(deriveKey(bytes, purpose), label, linkId).subarray(0, 32).toString('base64url');
  };

  return {
    makeLinkId: (uuid) => `${newest.id}.${uuid}`,

    makeResetSecret: (resetId) => makeSecret('kinship password reset', 'reset', resetId),

    makeAddressSecret: (linkId) => makeSecret('kinship email link', 'email link', linkId),

    hashSecret: (secret) => createHash('sha256').update(secret).digest('base64url'),

    makeNotMeToken(sessionId, userId, expiresAt) {
      const parts = [sessionId ?? '', encodeUserId(userId), String(expiresAt)];
      return [...parts, sign(notMeKey, parts).toString('base64url')].join('.');
    },

    readNotMeToken(token, now) {
      const [sessionId = '', userId = '', expiresAt = '', given = '', ...more] = token.split('.');
      const parts = [sessionId, userId, expiresAt];
      const isValid = notMeKeys.some((key) => isEqual(sign(key, parts), Buffer.from(given, 'base64url')));
      if (!isValid || more.length > 0 || now >= Number(expiresAt)) return null;
      return { sessionId: sessionId || null, userId: decodeUserId(userId) };
    },
  };
}

/**
 * Dots separate the parts of a token. A user id that is not a UUID may contain a dot, so it is encoded, and `~` marks
 * it.
 */
function encodeUserId(userId: string): string {
  return isUuid(userId) ? userId : `~${Buffer.from(userId).toString('base64url')}`;
}

function decodeUserId(part: string): string {
  return part.startsWith('~') ? Buffer.from(part.slice(1), 'base64url').toString() : part;
}

function sign(key: KeyObject, parts: readonly string[]): Buffer {
  return keyedHash(key, 'not me', ...parts).subarray(0, 32);
}
