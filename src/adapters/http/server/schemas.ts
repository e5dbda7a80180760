import { type TSchema, Type } from '@sinclair/typebox';
import { PROBLEM_TYPE, Problem } from './problems.ts';

export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  description: 'UUID',
});

/** Text of a person: without NUL and without halves of characters. */
export const Text = Type.String({ pattern: '^[^\\u0000\\p{Cs}]*$' });

export const TokenPairAnswer = Type.Object(
  {
    access: Type.String({ description: 'access token' }),
    refresh: Type.String({ description: 'refresh token, good for one refresh' }),
    expiresIn: Type.Integer({ minimum: 0, description: 'whole seconds that the access token has left' }),
  },
  { $id: 'TokenPair', additionalProperties: false },
);

/** Headers of a route that exchanges a refresh token. */
export const IdempotencyKey = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'makes a retry safe: the same key with the same tokens gets the same pair again',
    }),
  ),
});

/** Of a route whose body may be left out. */
export const BODY_IS_OPTIONAL = 'x-body-is-optional';

/** The responses of a route that are problems: those of its own by status, and what any request may meet. */
export function problems<Status extends number>(...statuses: Status[]) {
  const response = {
    description: 'a problem document; `code` says which',
    content: { [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } },
  };
  const own = Object.fromEntries(statuses.map((status) => [status, response])) as Record<
    Status,
    typeof response
  >;
  return { ...own, '4xx': response, '5xx': response };
}

/** A JSON response with its description. */
export function answer<Schema extends TSchema>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer without a body. Other than with 204, `null` would be sent as text: `undefined` is not. */
export const Empty = Type.Unsafe<null | undefined>(Type.Null({ description: 'done' }));
