import { type TSchema, Type } from '@sinclair/typebox';
import { PROBLEM_TYPE, Problem } from './problems.ts';

export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  description: 'UUID',
});

export const TokenPairAnswer = Type.Object(
  {
    access: Type.String({ description: 'access token' }),
    refresh: Type.String({ description: 'refresh token, good for one refresh' }),
    expiresIn: Type.Integer({ minimum: 0, description: 'whole seconds that the access token has left' }),
  },
  { $id: 'TokenPair', additionalProperties: false },
);

/** The responses of a route that are problems, by status. */
export function problems<Status extends number>(...statuses: Status[]) {
  const response = {
    description: 'a problem document; `code` says which',
    content: { [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } },
  };
  return Object.fromEntries(statuses.map((status) => [status, response])) as Record<Status, typeof response>;
}

/** A JSON response with its description. */
export function answer<Schema extends TSchema>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}
