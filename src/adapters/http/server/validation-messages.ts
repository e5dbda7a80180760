import type { FastifyInstance, FastifySchema, FastifySchemaValidationError } from 'fastify';
import { MAX_USER_ID, type UserIdFormat } from '../../../domain/user-id.ts';
import { identifiedThing } from './schemas.ts';

const USER_ID_RULES: Readonly<Record<UserIdFormat, string>> = {
  uuid: 'The user id must be a UUID. The service accepts other user ids with USER_ID_FORMAT=text',
  text: `The user id must have 1 to ${MAX_USER_ID} visible characters, and must not be "." or ".."`,
};

/** The parts of a request that have members, as Fastify's messages call them. */
const PARTS = ['params', 'querystring', 'body'] as const;

/**
 * Makes all routes that are registered from now on refuse a wrong id or time with a sentence that says what is
 * accepted. Must be called before the schemas of user ids are replaced.
 */
export function explainValidation(app: FastifyInstance, userIdFormat: UserIdFormat): void {
  app.addHook('onRoute', (route) => {
    if (route.schema === undefined) return;
    const rules = rulesOfIds(route.schema, userIdFormat);
    route.schemaErrorFormatter = (errors, part) => {
      const faults = errors.map((error) => rules.get(`${part}${error.instancePath}`) ?? faultOf(error, part));
      return new Error(faults.join(', '));
    };
  });
}

/** The sentence about each id in a request, by the place of the id, such as `params/id`. */
function rulesOfIds(schema: FastifySchema, format: UserIdFormat): ReadonlyMap<string, string> {
  const rules = new Map<string, string>();
  for (const part of PARTS) {
    const { properties = {} } = (schema[part] ?? {}) as {
      readonly properties?: Readonly<Record<string, object>>;
    };
    for (const [name, member] of Object.entries(properties)) {
      const thing = identifiedThing(member);
      if (thing !== null)
        rules.set(
          `${part}/${name}`,
          thing === 'user' ? USER_ID_RULES[format] : `The ${thing} id must be a UUID`,
        );
    }
  }
  return rules;
}

function faultOf(
  { instancePath, keyword, params, message }: FastifySchemaValidationError,
  part: string,
): string {
  const place = `${part}${instancePath}`;
  return keyword === 'format' && params.format === 'date-time'
    ? `${place} must be a time such as 2026-01-31T12:00:00Z`
    : `${place} ${message}`;
}
