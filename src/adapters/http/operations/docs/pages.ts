import type { StaticDocumentSpec } from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { loadOnce } from '../../../../lib/load-once.ts';
import type { App } from '../../server/app.ts';
import { branding } from './branding.ts';

const PREFIX = '/docs';

/**
 * The pages that show the document. Their libraries are loaded at the first request, because loading is slow and most
 * processes never serve these pages.
 */
export function docsPages(app: App, publicUrl: string | null): void {
  const policy = policyFor(publicUrl);
  const pages = loadOnce(() => openPages(app));
  const show = async ({ url, headers }: FastifyRequest, reply: FastifyReply) => {
    const server = await pages();
    const answer = await server.inject({ url, headers: pick(headers, FORWARDED) });
    const { statusCode, headers: theirs, rawPayload } = answer;
    if (statusCode >= 500)
      throw new Error(`the server of the pages answered ${statusCode}: ${answer.payload}`);
    // A path that the server of the pages does not understand, such as one with NUL, names no page either.
    if (statusCode >= 400) return reply.callNotFound();
    const { connection: _connection, 'accept-ranges': _ranges, ...own } = theirs;
    return reply
      .code(statusCode)
      .headers({ ...own, 'content-security-policy': policy })
      .send(rawPayload);
  };
  for (const url of [PREFIX, `${PREFIX}/*`]) app.get(url, { schema: { hide: true } }, show);
}

/**
 * The headers that are passed to the pages. The pages could refuse others, such as `Range` and `If-Match`, and each
 * refusal is answered as an unknown path.
 */
const FORWARDED = ['if-none-match', 'if-modified-since'] as const;

function pick(headers: FastifyRequest['headers'], names: typeof FORWARDED): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
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
