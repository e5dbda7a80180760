import { type Static, Type } from '@sinclair/typebox';
import { KEY_ALGORITHMS } from '../../../domain/key-set.ts';
import type { PublicKey as Jwk } from '../../../ports/security/public-key.ts';
import type { App } from '../server/app.ts';
import { longText, oneOf } from '../server/field-schemas.ts';
import { publicDocumentHeaders } from '../server/protection.ts';
import { jsonAnswer, problemResponses } from '../server/schemas.ts';

export interface KeySetOptions {
  readonly publishedKeys: () => readonly Jwk[];
  /** Milliseconds for which a client may cache the key set. */
  readonly keySetMaxAge: number;
}

/** Only the members named here are serialized, so a private member is never published. */
const PublicKey = Type.Object(
  {
    kid: longText(),
    use: oneOf(['sig']),
    alg: oneOf(KEY_ALGORITHMS),
    kty: longText(),
    crv: Type.Optional(longText()),
    x: Type.Optional(longText()),
    y: Type.Optional(longText()),
    n: Type.Optional(longText()),
    e: Type.Optional(longText()),
  },
  { title: 'PublicKey', additionalProperties: false },
);

/** The key of RFC 8037, appendix A.2. */
const example = {
  kid: '1',
  use: 'sig',
  alg: 'EdDSA',
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};

const KeySet = Type.Object(
  { keys: Type.Array(PublicKey, { maxItems: 100 }) },
  { title: 'KeySet', additionalProperties: false, examples: [{ keys: [example] }] },
);

/** `GET /.well-known/jwks.json`: the keys with which clients verify access tokens (RFC 7517). */
export function keySetRoute(app: App, { publishedKeys, keySetMaxAge }: KeySetOptions): void {
  const headers = publicDocumentHeaders(keySetMaxAge);
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'getKeySet',
        tags: ['operations'],
        summary: 'Get the public keys of access tokens',
        description:
          'A key is published before it signs, unless an operator lets it sign at once. It stays published until its last ' +
          'token has expired, unless an operator removes it at once. With HS512 the set is empty, ' +
          'because those keys are secret. Fetch the set again if it lacks the `kid` of a token.',
        security: [],
        response: { 200: jsonAnswer('a JWK Set', KeySet), ...problemResponses() },
      },
    },
    async (_request, reply): Promise<Static<typeof KeySet>> => {
      reply.headers(headers);
      return { keys: publishedKeys().map((key) => ({ ...key })) };
    },
  );
}
