import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import { errorCodes, type FastifyReply, type FastifyRequest } from 'fastify';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';

/** The maximum number of parts. No route of this door has a body with as many members. */
const PARTS = 20;

/** Name and value. The value is text unless the part declares JSON. */
type Part = readonly [string, unknown];

/** Parses both kinds of forms into objects of text values. Refuses files, and names that occur twice. */
export async function parseForms(app: App): Promise<void> {
  await app.register(formbody, { parser: (text) => fieldsOf(new URLSearchParams(text)) });
  await app.register(multipart, { limits: { files: 0, fields: PARTS, parts: PARTS } });
  app.addHook('preValidation', async (request, reply) => {
    if (request.isMultipart()) request.body = fieldsOf(await partsOf(request, reply));
  });
}

/** Refuses invalid UTF-8, which the parser decodes to the replacement character. */
function fieldsOf(parts: Iterable<Part>): Record<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of parts) {
    if (typeof value !== 'string' || `${name}${value}`.includes('\ufffd') || fields.has(name))
      throw invalidForm();
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

/**
 * Errors without a status become a refusal: the plugin's parser does not mark errors that the client caused.
 */
async function partsOf(request: FastifyRequest, reply: FastifyReply): Promise<Part[]> {
  try {
    return await withinLimit(request, readParts(request));
  } catch (error) {
    reply.header('connection', 'close'); // the rest of the body may still arrive
    throw error instanceof Error && 'statusCode' in error ? error : invalidForm(error);
  }
}

/** Enforces the body limit: the plugin reads from the socket, past the server's own limit. */
function withinLimit<T>({ raw, headers, routeOptions }: FastifyRequest, reading: Promise<T>): Promise<T> {
  const exceeded = new Promise<never>((_resolve, reject) => {
    let size = 0;
    const check = (length: number) => {
      if (length > routeOptions.bodyLimit) reject(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    };
    check(Number(headers['content-length'] ?? 0));
    raw.on('data', (chunk: Buffer) => {
      size += chunk.length;
      check(size);
    });
  });
  return Promise.race([reading, exceeded]);
}

async function readParts(request: FastifyRequest): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of request.parts()) {
    if (part.type === 'field') parts.push([part.fieldname, part.value]);
  }
  return parts;
}

function invalidForm(cause?: unknown): Refusal {
  const detail = 'The body must be a form in UTF-8, with text values only and each name once.';
  return new Refusal('invalid_request', detail, { cause });
}
