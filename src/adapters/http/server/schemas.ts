import { type TSchema, Type } from '@sinclair/typebox';
import { count, longText } from './bounded.ts';
import { examples } from './examples.ts';
import { codesOf, PROBLEM_TYPE, Problem } from './problems.ts';

export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  maxLength: 36,
  description: 'UUID',
});

/**
 * Text of a person: without NUL and without halves of characters. Its bound holds for every form in which a name or a
 * password of the longest kind can be typed: what is longer is refused before it is normalised.
 */
export const Text = Type.String({ pattern: '^[^\\u0000\\p{Cs}]*$', maxLength: 1_024 });

export const Time = Type.String({ format: 'date-time', maxLength: 30, description: 'RFC 3339, UTC' });

export const TokenPairAnswer = Type.Object(
  {
    access: longText({ description: 'access token' }),
    refresh: longText({ description: 'refresh token, good for one refresh' }),
    expiresIn: count({ description: 'whole seconds that the access token has left' }),
  },
  {
    $id: 'TokenPair',
    additionalProperties: false,
    examples: [{ access: examples.access, refresh: examples.refresh, expiresIn: 900 }],
  },
);

export const IDEMPOTENCY_KEY = 'idempotency-key';

/** Headers of a route that exchanges a refresh token. */
export const IdempotencyKey = Type.Object({
  [IDEMPOTENCY_KEY]: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      maxLength: 255,
      description: 'makes a retry safe: the same key with the same tokens gets the same pair again',
    }),
  ),
});

/** Of a route whose body may be left out. */
export const BODY_IS_OPTIONAL = 'x-body-is-optional';

/** The responses of a route that are problems: those of its own by status, and what any request may meet. */
export function problems<Status extends number>(...statuses: Status[]) {
  const own = Object.fromEntries(
    statuses.map((status) => [status, problemOf(`\`code\`: ${codesOf(status).join(', ')}`)]),
  ) as Record<Status, ReturnType<typeof problemOf>>;
  return {
    ...own,
    '4xx': problemOf('what any request may meet, such as a body that is too large'),
    '5xx': problemOf('a fault of the service, of whose inside nothing is said'),
  };
}

function problemOf(description: string) {
  return { description, content: { [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } } };
}

/** Headers of an answer by name, each with its schema. */
type Headers = Readonly<Record<string, TSchema>>;

/** A JSON response with its description. */
export function answer<Schema extends TSchema>(description: string, schema: Schema, headers: Headers = {}) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** Characters of a page, or of all metrics. */
const LONGEST_PAGE = 16 * 1024 * 1024;

/** An answer of plain text of this type. */
export function text(description: string, type: 'text/plain' | 'text/html') {
  return { description, content: { [type]: { schema: longText({ maxLength: LONGEST_PAGE }) } } };
}

/**
 * Of a scope whose refusals are text of this type: what makes the responses of a route. What the server refuses before
 * it knows the route is a problem document all the same.
 */
export function refusalsAs(type: 'text/plain' | 'text/html', description: string) {
  const own = text(description, type);
  const any = { description, content: { ...own.content, [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } } };
  return <Status extends number>(...statuses: Status[]) => {
    const named = Object.fromEntries(statuses.map((status) => [status, own]));
    return { ...(named as Record<Status, typeof own>), '4xx': any, '5xx': any };
  };
}

/** An answer without a body. Other than with 204, `null` would be sent as text: `undefined` is not. */
export const Empty = empty('done');

/** Such an answer with headers, and what it means. */
export function empty(description: string, headers: Headers = {}) {
  return Type.Unsafe<null | undefined>(Type.Null({ description, headers }));
}
