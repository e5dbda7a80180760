import swagger from '@fastify/swagger';
import type { FrontDoor } from '../../../domain/door.ts';
import { FRONT_DOORS } from '../doors/front-doors.ts';
import type { App } from '../server/app.ts';
import { headers, securitySchemes } from './docs/components.ts';
import { type Document, nameComponents } from './docs/name-components.ts';
import { docsPages } from './docs/pages.ts';

/** `/docs` for people and `/docs/json` for tools. Both are generated from the schemas that validate requests. */
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
        description:
          'Issues pairs of access and refresh tokens, rotates them, and detects the reuse of a stolen refresh token.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl ?? '/' }],
      tags: [
        { name: 'sessions', description: 'Log in, refresh, list and end sessions' },
        { name: 'accounts', description: 'Accounts and their passwords' },
        { name: 'oauth', description: 'The endpoints of OAuth 2.0 (docs/standards.md)' },
        { name: 'pages', description: 'The pages that links in mails open' },
        { name: 'operations', description: 'For operators, proxies and monitoring' },
        { name: 'webhooks', description: 'Events to other systems by HTTP' },
        {
          name: 'signals',
          description: 'Streams of security events: Shared Signals (docs/shared-signals.md)',
        },
        ...frontDoors.map((name) => ({ name, description: FRONT_DOORS[name].description })),
      ],
      components: { securitySchemes, headers },
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      nameComponents(document.openapiObject as Document);
      return document.openapiObject;
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  });
  docsPages(app, publicUrl);
}
