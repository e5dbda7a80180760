import { Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { MAX_USER_ID, USER_ID_PATTERN, type UserIdFormat } from '../../../domain/user-id.ts';
import { NAMED_EXAMPLES } from './compilers.ts';
import { Uuid } from './schemas.ts';

/** Marks the schemas of user ids. It is a symbol, so validators and the OpenAPI document ignore it. */
const IS_USER_ID = Symbol('user id');

/** The id of any user: a UUID. With USER_ID_FORMAT=text, {@link applyUserIdFormat} makes routes accept other text. */
export const UserId: typeof Uuid = Object.assign(Type.String({ ...Uuid }), { [IS_USER_ID]: true });

const TextUserId = Type.String({
  pattern: USER_ID_PATTERN,
  maxLength: MAX_USER_ID,
  description: `user id: 1 to ${MAX_USER_ID} visible characters`,
});

const RULES: Readonly<Record<UserIdFormat, string>> = {
  uuid: 'must be a UUID. The service accepts other user ids with USER_ID_FORMAT=text',
  text: `must have 1 to ${MAX_USER_ID} visible characters, and must not be "." or ".."`,
};

/** The parts of a request that can name a user, as Fastify's messages call them. */
const PARTS = ['params', 'querystring', 'body'] as const;

/**
 * Makes all routes that are registered from now on accept user ids of this format in place of {@link UserId}. A
 * refused id gets a message that says what to do.
 */
export function applyUserIdFormat(app: FastifyInstance, format: UserIdFormat): void {
  app.addHook('onRoute', (route) => {
    if (route.schema === undefined) return;
    const names = namesOfUserIds(route.schema);
    if (format === 'text') route.schema = acceptTextUserIds(route.schema) as FastifySchema;
    if (names.size === 0) return;
    route.schemaErrorFormatter = (errors, part) => {
      const faults = errors.map(({ instancePath, message }) => {
        const name = `${part}${instancePath}`;
        return `${name} ${names.has(name) ? RULES[format] : message}`;
      });
      return new Error(faults.join(', '));
    };
  });
}

/** The members of a request that are user ids, such as `params/id`. */
function namesOfUserIds(schema: FastifySchema): ReadonlySet<string> {
  const names = PARTS.flatMap((part) => {
    const { properties = {} } = (schema[part] ?? {}) as { readonly properties?: object };
    return Object.entries(properties).flatMap(([name, member]) =>
      IS_USER_ID in member ? [`${part}/${name}`] : [],
    );
  });
  return new Set(names);
}

function acceptTextUserIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(acceptTextUserIds);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (IS_USER_ID in schema)
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
