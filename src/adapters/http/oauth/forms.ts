import formbody from '@fastify/formbody';
import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { examples } from '../server/examples.ts';
import { longText } from '../server/field-schemas.ts';
import { refuseNonEmptyBody } from '../server/json-body.ts';

/** The common schema of the endpoints: a form in the body, and no query, because proxies log URIs. */
export const formEndpoint = {
  tags: ['oauth'],
  consumes: ['application/x-www-form-urlencoded'],
  querystring: Type.Object({}, { additionalProperties: false }),
};

/** `client_id` in the form. A client that authenticates with `client_secret_basic` can leave it out. */
export const ClientId = Type.Optional(
  Type.String({ maxLength: 255, description: 'the client of the session; optional' }),
);

/** A token with an optional type hint. The token itself states its type. */
export const TokenForm = Type.Object(
  {
    token: longText(),
    token_type_hint: Type.Optional(longText({ description: 'ignored: the token states its type' })),
    client_id: ClientId,
  },
  { title: 'TokenForm', examples: [{ token: examples.refresh }] },
);

/** Makes a scope accept form bodies only. */
export async function acceptFormBodies(scope: App): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', refuseNonEmptyBody);
  await scope.register(formbody, { bodyLimit: 8 * 1024 });
  scope.addHook('preValidation', refuseRepeatedParameters);
}

/**
 * A parameter without a value counts as absent. A repeated parameter is refused, even an unknown one (RFC 6749 section
 * 3.2).
 */
async function refuseRepeatedParameters(request: FastifyRequest): Promise<void> {
  const given = Object.entries(request.body ?? {}).filter(([, value]) => value !== '');
  if (given.some(([, value]) => typeof value !== 'string'))
    throw new Refusal('invalid_request', 'A parameter occurs more than once.');
  request.body = Object.fromEntries(given);
}
