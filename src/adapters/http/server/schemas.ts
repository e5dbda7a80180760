import { type TSchema, Type } from '@sinclair/typebox';
import { examples } from './examples.ts';
import { count, longText, oneOf } from './field-schemas.ts';
import { codesOf, PROBLEM_TYPE, Problem } from './problems.ts';

export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  maxLength: 36,
  description: 'UUID',
});

/** Marks the schema of an id. It is a symbol, so validators and the OpenAPI document ignore it. */
const IDENTIFIED = Symbol('identified');

/** The UUID of a session, a factor or another `thing`. The refusal of other text names the thing. */
export function idOf(thing: string): typeof Uuid {
  return Object.assign(Type.String({ ...Uuid }), { [IDENTIFIED]: thing });
}

/** The thing whose id this schema describes; null if it is not a schema of {@link idOf}. */
export function identifiedThing(schema: object): string | null {
  return IDENTIFIED in schema ? String(schema[IDENTIFIED]) : null;
}

/**
 * Text that a person typed: without NUL and without unpaired surrogates. The bound covers every Unicode form of the
 * longest name or password. Longer text is refused before it is normalized.
 */
export const Text = Type.String({ pattern: '^[^\\u0000\\p{Cs}]*$', maxLength: 1_024 });

export const Time = Type.String({ format: 'date-time', maxLength: 30, description: 'RFC 3339, UTC' });

export const TokenPairAnswer = Type.Object(
  {
    access: longText({ description: 'access token' }),
    refresh: longText({ description: 'refresh token, valid for one refresh' }),
    expiresIn: count({ description: 'seconds until the access token expires' }),
    tokenType: Type.Optional(
      oneOf(['DPoP'], {
        description: 'only in a session that is bound to a key: each token needs a proof of it',
      }),
    ),
  },
  {
    $id: 'TokenPair',
    additionalProperties: false,
    examples: [{ access: examples.access, refresh: examples.refresh, expiresIn: 900 }],
  },
);

/** The answer of a route that sets the pair as cookies. */
export const SessionInCookies = Type.Object(
  { expiresIn: count({ description: 'seconds until the access token expires' }) },
  { $id: 'SessionInCookies', additionalProperties: false, examples: [{ expiresIn: 900 }] },
);

/** The answer of a route that issues a pair. */
export const PairAnswer = Type.Union([Type.Ref(TokenPairAnswer), Type.Ref(SessionInCookies)], {
  title: 'IssuedPair',
  examples: [...(TokenPairAnswer.examples ?? []), ...(SessionInCookies.examples ?? [])],
});

export const SESSION_TRANSPORT = 'x-session-transport';

export const IDEMPOTENCY_KEY = 'idempotency-key';

export const DPOP = 'dpop';

const DpopProof = {
  [DPOP]: Type.Optional(
    longText({ description: 'proof that the client holds the key of its session (RFC 9449)' }),
  ),
};

/** Headers of a route that exchanges a refresh token. */
export const RefreshHeaders = Type.Object({
  ...DpopProof,
  [IDEMPOTENCY_KEY]: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      maxLength: 255,
      description: 'makes a retry safe: the same key with the same tokens returns the same pair again',
    }),
  ),
});

const Transport = {
  [SESSION_TRANSPORT]: Type.Optional(
    oneOf(['cookie'], {
      description: 'with `SESSION_COOKIES=on`: the tokens are in cookies, in the request and in the answer',
    }),
  ),
};

/** Headers of a route of the canonical door that issues or ends a pair. */
export const PairHeaders = Type.Object({ ...DpopProof, ...Transport });

/** Headers of a route of the canonical door that exchanges a pair. */
export const ExchangeHeaders = Type.Object({ ...RefreshHeaders.properties, ...Transport });

/** Marks a route whose body is optional: without one, the route gets an empty object. */
export const BODY_IS_OPTIONAL = 'x-body-is-optional';

/** The problem responses of a route: one for each of its own statuses, and those that any request may get. */
export function problemResponses<Status extends number>(...statuses: Status[]) {
  const own = Object.fromEntries(
    statuses.map((status) => [status, problemOf(`\`code\`: ${codesOf(status).join(', ')}`)]),
  ) as Record<Status, ReturnType<typeof problemOf>>;
  return {
    ...own,
    '4xx': problemOf('a refusal that any request may get, such as for a body that is too large'),
    '5xx': problemOf('a failure of the service'),
  };
}

function problemOf(description: string) {
  return { description, content: { [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } } };
}

/** Headers of an answer by name, each with its schema. */
type Headers = Readonly<Record<string, TSchema>>;

/** A JSON response with its description. */
export function jsonAnswer<Schema extends TSchema>(
  description: string,
  schema: Schema,
  headers: Headers = {},
) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** Maximum length of a page, or of all metrics, in characters. */
const MAX_PAGE_LENGTH = 16 * 1024 * 1024;

/** A text answer with this content type. */
export function textAnswer(description: string, type: 'text/plain' | 'text/html' | 'text/event-stream') {
  return { description, content: { [type]: { schema: longText({ maxLength: MAX_PAGE_LENGTH }) } } };
}

/**
 * Creates a function like {@link problemResponses}, for routes whose refusals have this content type. A refusal before
 * the route is known is still a problem document.
 */
export function createRefusalResponses(type: 'text/plain' | 'text/html', description: string) {
  const own = textAnswer(description, type);
  const any = { description, content: { ...own.content, [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } } };
  return <Status extends number>(...statuses: Status[]) => {
    const named = Object.fromEntries(statuses.map((status) => [status, own]));
    return { ...(named as Record<Status, typeof own>), '4xx': any, '5xx': any };
  };
}

/**
 * An answer without a body. Handlers send `null` with 204, otherwise `undefined`: with another status Fastify sends
 * `null` as text.
 */
export const Empty = emptyAnswer('done');

/** An answer without a body, with headers and a description. */
export function emptyAnswer(description: string, headers: Headers = {}) {
  return Type.Unsafe<null | undefined>(Type.Null({ description, headers }));
}
