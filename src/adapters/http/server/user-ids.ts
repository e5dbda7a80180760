import { Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { MAX_USER_ID, USER_ID_PATTERN, type UserIdFormat } from '../../../domain/user-id.ts';
import { NAMED_EXAMPLES } from './compilers.ts';
import { identifiedThing, idOf } from './schemas.ts';

/** The id of any user: a UUID. With USER_ID_FORMAT=text, {@link acceptUserIdFormat} makes routes accept other text. */
export const UserId = idOf('user');

const TextUserId = Type.String({
  pattern: USER_ID_PATTERN,
  maxLength: MAX_USER_ID,
  description: `user id: 1 to ${MAX_USER_ID} visible characters`,
});

/** Makes all routes that are registered from now on accept user ids of this format in place of {@link UserId}. */
export function acceptUserIdFormat(app: FastifyInstance, format: UserIdFormat): void {
  if (format === 'uuid') return;
  app.addHook('onRoute', (route) => {
    if (route.schema !== undefined) route.schema = acceptTextUserIds(route.schema) as FastifySchema;
  });
}

function acceptTextUserIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(acceptTextUserIds);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (identifiedThing(schema) === 'user')
    return NAMED_EXAMPLES in schema
      ? { ...TextUserId, [NAMED_EXAMPLES]: schema[NAMED_EXAMPLES] }
      : TextUserId;
  return Object.fromEntries(
    Object.entries(schema).map(([name, member]) => [name, acceptTextUserIds(member)]),
  );
}

/**
 * A user id as a header carries it: `%` and every character that is not ASCII are percent-encoded. So
 * `decodeURIComponent` returns the id.
 */
export function encodeUserId(userId: string): string {
  return userId.replace(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent);
}
