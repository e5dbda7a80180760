import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DELIVERY_FORMATS, type DeclaredEndpoint } from '../domain/webhooks.ts';
import { fileFault, type Readers } from './values.ts';

const NAME = 'WEBHOOKS_FILE';

const Entry = Type.Object(
  {
    url: Type.String({ maxLength: 2_048 }),
    types: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 50 }),
    enabled: Type.Optional(Type.Boolean()),
    contact: Type.Optional(Type.String({ maxLength: 254 })),
    format: Type.Optional(Type.Union(DELIVERY_FORMATS.map((format) => Type.Literal(format)))),
    audience: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    secretFile: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

const File = Type.Array(Entry, { maxItems: 100 });

/** A secret of Standard Webhooks: 24 to 64 bytes. */
const SECRET = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/;

/** Reads the endpoints of the file. `secretFile` is relative to the folder of the file. */
export function readWebhooksFile(path: string, read: Readers): readonly DeclaredEndpoint[] {
  const entries = readEntries(path, read);
  const endpoints = entries.map((entry, index) => toEndpoint(entry, index, dirname(path), read));
  for (const [index, { id, url }] of endpoints.entries())
    if (endpoints.findIndex((one) => one.id === id) < index)
      read.reportFault(NAME, `names ${url} twice with the same format and audience.`);
  return endpoints;
}

function readEntries(path: string, read: Readers): Static<typeof File> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'no JSON' : fileFault(error);
    read.reportInvalid(NAME, `${path} (${reason})`, 'a readable JSON file with a list of endpoints');
    return [];
  }
  if (Value.Check(File, content)) return content;
  for (const { path: place, message } of [...Value.Errors(File, content)].slice(0, 10))
    read.reportFault(NAME, `at ${place || '/'}: ${message}.`);
  return [];
}

function toEndpoint(
  entry: Static<typeof Entry>,
  index: number,
  folder: string,
  read: Readers,
): DeclaredEndpoint {
  const {
    url,
    types,
    enabled = true,
    contact = null,
    format = 'webhook',
    audience = null,
    secretFile,
  } = entry;
  const fault = (sentence: string) => read.reportFault(NAME, `at /${index}: ${sentence}`);
  if ((format === 'webhook') !== (audience === null))
    fault('audience is required for the formats set and logout-token, and not accepted for webhook.');
  if ((format === 'webhook') !== (secretFile !== undefined))
    fault('secretFile is required for the format webhook, and not accepted for the other formats.');
  const secret = secretFile === undefined ? null : readSecret(resolve(folder, secretFile), fault);
  return { id: idOf(format, audience ?? '', url), url, types, enabled, contact, format, audience, secret };
}

/** The message never contains the content of the file. */
function readSecret(path: string, fault: (sentence: string) => void): string | null {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    const [, base64 = ''] = SECRET.exec(secret) ?? [];
    const { length } = Buffer.from(base64, 'base64');
    if (length >= 24 && length <= 64) return secret;
    fault('secretFile must name a file with whsec_ and 24 to 64 bytes in base64.');
  } catch (error) {
    fault(`secretFile ${path} cannot be read (${fileFault(error)}).`);
  }
  return null;
}

/**
 * The id of an endpoint of the file: a UUID of version 8 (RFC 9562). It is the same on every replica and at every
 * start.
 */
function idOf(...parts: readonly string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
