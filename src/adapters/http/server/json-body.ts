import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Bodies are JSON objects in UTF-8 and nothing else. An empty body is none: some clients name a content type
 * although everything stands in the query.
 */
export function jsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    const text = decode(body);
    if (text === null) return done(notJson());
    // The parser's own words quote the body, which may hold a token.
    return parse(request, text, (error, value) =>
      error || !isObject(value) ? done(notJson()) : done(null, value),
    );
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
  return new Refusal('invalid_request', 'The body is to be a JSON object in UTF-8.');
}
