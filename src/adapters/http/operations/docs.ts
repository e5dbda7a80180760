import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../server/app.ts';

/** `/docs` for people, `/docs/json` for tools: made from the schemas that the routes are checked by. */
export async function registerDocs(app: App, { publicUrl }: { publicUrl: string | null }): Promise<void> {
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
        { name: 'sessions', description: 'Log in, refresh' },
        { name: 'operations', description: 'For whoever runs the service' },
      ],
      components: {
        securitySchemes: { serviceKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
      },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
}
