import type { StaticDocumentSpec } from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { App } from '../../server/app.ts';

const PREFIX = '/docs';

/**
 * The pages that show the document. Their libraries are loaded when somebody first looks: in most processes nobody
 * ever does, and they would be a good part of a start.
 */
export function docsPages(app: App): void {
  let pages: Promise<FastifyInstance> | undefined;
  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    pages ??= openPages(app);
    const { url, headers } = request;
    const { statusCode, headers: theirs, rawPayload } = await (await pages).inject({ url, headers });
    if (statusCode === 404) return reply.callNotFound();
    const { connection: _, ...own } = theirs;
    return reply.code(statusCode).headers(own).send(rawPayload);
  };
  for (const url of [PREFIX, `${PREFIX}/*`]) app.get(url, { schema: { hide: true } }, show);
}

/** A server that listens nowhere: the routes above ask it. */
async function openPages(app: App): Promise<FastifyInstance> {
  const [swagger, swaggerUi] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')]);
  const pages = fastify();
  const document = app.swagger() as StaticDocumentSpec['document'];
  await pages.register(swagger.default, { mode: 'static', specification: { document } });
  await pages.register(swaggerUi.default, { routePrefix: PREFIX });
  return pages;
}
