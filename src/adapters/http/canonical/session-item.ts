import { Type } from '@sinclair/typebox';
import type { TokenFamily } from '../../../domain/token-family.ts';
import { agentInWords } from '../server/agent-in-words.ts';
import { Uuid } from '../server/schemas.ts';

/** Which part of a list is wanted. */
export const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ maxLength: 100, description: '`nextCursor` of the page before' })),
});

const Time = Type.String({ description: 'RFC 3339, UTC' });

const item = {
  id: Uuid,
  createdAt: Time,
  refreshedAt: Time,
  expiresAt: Time,
  createdIp: Type.String(),
  lastIp: Type.String(),
  userAgent: Type.String({ description: 'browser or app in words' }),
  generation: Type.Integer({ description: 'how often it was refreshed' }),
};
const nextCursor = Type.Optional(Type.String({ description: 'there is more: ask on with this' }));

/** A user's own sessions. */
export const SessionList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        { ...item, current: Type.Boolean({ description: 'it is the one that asks' }) },
        { additionalProperties: false },
      ),
    ),
    nextCursor,
  },
  { additionalProperties: false },
);

/** Anybody's sessions, as operators see them. */
export const OperatorsSessionList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        { ...item, userId: Uuid, hashedRefreshTokenId: Type.String() },
        { additionalProperties: false },
      ),
    ),
    nextCursor,
  },
  { additionalProperties: false },
);

export function sessionItem(family: TokenFamily) {
  return {
    id: family.tokenFamily,
    createdAt: new Date(family.createdAt).toISOString(),
    refreshedAt: new Date(family.rotatedAt).toISOString(),
    expiresAt: new Date(Math.min(family.expiresAt, family.refreshExpiresAt)).toISOString(),
    createdIp: family.loginAddress,
    lastIp: family.address,
    userAgent: agentInWords(family.userAgent),
    generation: family.generation,
  };
}
