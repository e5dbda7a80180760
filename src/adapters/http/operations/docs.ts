import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import type { FrontDoor } from '../../../domain/token-family.ts';
import { FRONT_DOORS } from '../doors/front-doors.ts';
import type { App } from '../server/app.ts';
import { ACCESS_COOKIE } from '../server/cookies.ts';
import { BODY_IS_OPTIONAL } from '../server/schemas.ts';
import { docsPages } from './docs-pages.ts';

/** `/docs` for people, `/docs/json` for tools: made from the schemas that the routes are checked by. */
export async function registerDocs(
  app: App,
  { publicUrl, frontDoors }: { publicUrl: string | null; frontDoors: readonly FrontDoor[] },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Kinship',
        version: '0.1.0',
        description: 'Pairs of access and refresh tokens, rotated; the theft of a refresh token is noticed.',
      },
      servers: [{ url: publicUrl ?? '/' }],
      tags: [
        { name: 'sessions', description: 'Log in, refresh, look at sessions and end them' },
        { name: 'accounts', description: 'Accounts and their passwords' },
        { name: 'oauth', description: 'The same in the words of OAuth 2.0 (docs/standards.md)' },
        { name: 'pages', description: 'Where links in mails lead' },
        { name: 'operations', description: 'For whoever runs the service' },
        ...frontDoors.map((name) => ({ name, description: FRONT_DOORS[name].description })),
      ],
      components: {
        securitySchemes: {
          serviceKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'authorization',
            description: '`Token` and an access token',
          },
          serviceKeyAsBearer: { type: 'http', scheme: 'bearer' },
          serviceKeyAsClient: { type: 'http', scheme: 'basic' },
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' },
          accessCookie: { type: 'apiKey', in: 'cookie', name: ACCESS_COOKIE },
        },
      },
    },
    transformObject: optionalBodies,
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  });
  docsPages(app);
}

interface Operation {
  requestBody?: { required?: boolean };
  [BODY_IS_OPTIONAL]?: true;
}

/** The generator takes every body for required; routes say so of theirs where it is not. */
function optionalBodies(document: Parameters<NonNullable<SwaggerTransformObject>>[0]) {
  if (!('openapiObject' in document)) return document.swaggerObject;
  const { openapiObject } = document;
  for (const path of Object.values(openapiObject.paths ?? {})) {
    for (const operation of Object.values(path ?? {}) as Operation[]) {
      if (operation[BODY_IS_OPTIONAL] !== true) continue;
      if (operation.requestBody !== undefined) operation.requestBody.required = false;
      delete operation[BODY_IS_OPTIONAL];
    }
  }
  return openapiObject;
}
