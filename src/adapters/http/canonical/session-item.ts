import { Type } from '@sinclair/typebox';
import { claimNames } from '../../../domain/claims.ts';
import { effectiveExpiries, type TokenFamily } from '../../../domain/token-family.ts';
import { describeUserAgent } from '../server/describe-user-agent.ts';
import { examples } from '../server/examples.ts';
import { closed, count, longText, nextCursor } from '../server/field-schemas.ts';
import { Time, Uuid } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { ClaimsObject } from './claims-schemas.ts';

/** Query parameters that select a page of a list. */
export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ maxLength: 100, description: '`nextCursor` of the previous page' })),
});

const item = {
  id: Uuid,
  createdAt: Time,
  refreshedAt: Time,
  expiresAt: Time,
  createdIp: longText(),
  lastIp: longText(),
  userAgent: longText({
    description: 'the browser or app in words; an unknown user agent as the client sent it',
  }),
  generation: count({ description: 'how often the session was rotated' }),
  deviceName: Type.Optional(longText({ description: 'the name of the device; absent: it has none' })),
};
const example = {
  id: examples.session,
  createdAt: examples.time,
  refreshedAt: '2026-01-02T03:19:05.123Z',
  expiresAt: '2026-02-01T03:19:05.000Z',
  createdIp: '192.0.2.7',
  lastIp: '192.0.2.7',
  userAgent: 'Firefox 145 on Linux',
  generation: 1,
};
/** Sessions as their user sees them. */
export const SessionList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        { ...item, current: Type.Boolean({ description: 'whether this is the session of the request' }) },
        { ...closed, title: 'Session' },
      ),
      { maxItems: 100 },
    ),
    nextCursor,
  },
  { ...closed, title: 'SessionList', examples: [{ items: [{ ...example, current: true }] }] },
);

export const sessionExample = { ...example, userId: examples.user, hashedRefreshTokenId: examples.hash };

/** A session of any user, as operators see it. */
export const OperatorsSession = Type.Object(
  {
    ...item,
    userId: UserId,
    hashedRefreshTokenId: longText(),
    claims: Type.Optional(ClaimsObject),
    endedAt: Type.Optional(Time),
    endReason: Type.Optional(longText({ description: 'why the session ended before its time' })),
  },
  {
    ...closed,
    title: 'OperatorsSession',
    examples: [{ ...sessionExample, deviceName: 'Ann’s phone', claims: { plan: 'trial' } }],
  },
);

/** Sessions of any user, as operators see them. */
export const OperatorsSessionList = Type.Object(
  { items: Type.Array(OperatorsSession, { maxItems: 100 }), nextCursor },
  {
    ...closed,
    title: 'OperatorsSessionList',
    examples: [{ items: [sessionExample] }],
  },
);

export function toSessionItem(family: TokenFamily) {
  return {
    id: family.tokenFamily,
    createdAt: new Date(family.createdAt).toISOString(),
    refreshedAt: new Date(family.rotatedAt).toISOString(),
    expiresAt: new Date(effectiveExpiries(family).refresh).toISOString(),
    createdIp: family.loginAddress,
    lastIp: family.address,
    userAgent: describeUserAgent(family.userAgent),
    generation: family.generation,
    ...(family.deviceName !== null && { deviceName: family.deviceName }),
  };
}

export function toOperatorsSession(family: TokenFamily) {
  const { revoked, expiresAt } = family;
  return {
    ...toSessionItem(family),
    userId: family.userId,
    hashedRefreshTokenId: family.hashedRefreshTokenId,
    // Ending all sessions of a user also revokes expired ones, which did not end before their time.
    ...(revoked !== null &&
      revoked.at < expiresAt && { endedAt: new Date(revoked.at).toISOString(), endReason: revoked.reason }),
    ...(claimNames(family.sessionClaims).length > 0 && { claims: family.sessionClaims }),
  };
}
