import type { Readable } from 'node:stream';
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { BODY_IS_OPTIONAL } from './schemas.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Treats a body of length 0 as no body, whatever its content type. Many clients, such as `curl -d ''`, send
 * an empty body if all parameters are in the query. Fastify looks for a parser only if there is a content type, so that
 * header is removed.
 */
export function ignoreEmptyBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }) => {
    const length = headers['content-length'];
    const isEmpty =
      headers['transfer-encoding'] === undefined && (length === undefined || /^0+$/.test(length));
    if (isEmpty) delete headers['content-type'];
  });
}

/** Puts an empty object in place of a missing body, for routes whose schema has {@link BODY_IS_OPTIONAL}. */
export function fillOptionalBodies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.schema === undefined || !(BODY_IS_OPTIONAL in route.schema)) return;
    route.preValidation = [fillBody, ...[route.preValidation ?? []].flat()];
  });
}

async function fillBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

/** Makes the server accept only bodies that are JSON objects in UTF-8. */
export function acceptJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', refuseNonEmptyBody);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    const text = decode(body);
    if (text === null) return done(notJson());
    // The parser's message quotes the body, which may contain a token.
    return parse(request, text, (error, value) =>
      error || !isObject(value) ? done(notJson()) : done(null, value),
    );
  });
}

/**
 * Refuses a body of any type without a parser, unless it is empty. The length of a chunked body is known only at its
 * end.
 */
export function refuseNonEmptyBody(
  _request: unknown,
  payload: Readable,
  done: (error: Error | null, body?: undefined) => void,
): void {
  const acceptEmpty = () => done(null, undefined);
  payload.once('end', acceptEmpty);
  payload.once('data', () => {
    payload.pause();
    payload.removeListener('end', acceptEmpty);
    done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
  });
}

function decode(body: Buffer): string | null {
  try {
    return utf8.decode(body);
  } catch {
    return null;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notJson(): Refusal {
  return new Refusal('invalid_request', 'The body must be a JSON object in UTF-8.');
}
