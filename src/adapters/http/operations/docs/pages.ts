import type { StaticDocumentSpec } from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { App } from '../../server/app.ts';
import { branding } from './mark.ts';

const PREFIX = '/docs';

/**
 * The pages that show the document. Their libraries are loaded at the first request, because loading is slow and most
 * processes never serve these pages.
 */
export function docsPages(app: App, publicUrl: string | null): void {
  const policy = policyFor(publicUrl);
  let pages: Promise<FastifyInstance> | undefined;
  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    pages ??= openPages(app);
    const { url, headers } = request;
    const { statusCode, headers: theirs, rawPayload } = await (await pages).inject({ url, headers });
    if (statusCode === 404) return reply.callNotFound();
    const { connection: _, ...own } = theirs;
    return reply
      .code(statusCode)
      .headers({ ...own, 'content-security-policy': policy })
      .send(rawPayload);
  };
  for (const url of [PREFIX, `${PREFIX}/*`]) app.get(url, { schema: { hide: true } }, show);
}

/** Hash of the style sheet that the script of Swagger UI adds. A browser test detects a change of it. */
const INLINE_STYLE = 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w=';

/**
 * Swagger UI may load its own files and the `data:` icons of its style sheet. It may also load answers of the service
 * at the public origin.
 */
function policyFor(publicUrl: string | null): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' '${INLINE_STYLE}'`,
    "img-src 'self' data:",
    `connect-src 'self'${publicUrl === null ? '' : ` ${publicUrl}`}`,
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** A server that does not listen. The routes above pass their requests to this server. */
async function openPages(app: App): Promise<FastifyInstance> {
  const [swagger, swaggerUi] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')]);
  const pages = fastify();
  const document = app.swagger() as StaticDocumentSpec['document'];
  await pages.register(swagger.default, { mode: 'static', specification: { document } });
  await pages.register(swaggerUi.default, { routePrefix: PREFIX, ...branding });
  return pages;
}
