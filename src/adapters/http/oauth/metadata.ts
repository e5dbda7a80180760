import { type Static, Type } from '@sinclair/typebox';
import { LEVELS } from '../../../domain/authentication.ts';
import { DPOP_ALGORITHMS } from '../../../domain/dpop.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { longText } from '../server/field-schemas.ts';
import { publicDocumentHeaders } from '../server/protection.ts';
import { jsonAnswer, problemResponses } from '../server/schemas.ts';

export interface MetadataOptions {
  /** The `iss` of newly issued tokens. */
  readonly issuer: string;
  readonly publicUrl: string | null;
  /** Milliseconds for which a client may cache the document; the same as for the key set. */
  readonly keySetMaxAge: number;
}

const Names = Type.Array(longText(), { maxItems: 10 });

const Metadata = Type.Object(
  {
    issuer: longText(),
    token_endpoint: longText(),
    revocation_endpoint: longText(),
    introspection_endpoint: longText(),
    jwks_uri: longText(),
    service_documentation: longText(),
    response_types_supported: Names,
    grant_types_supported: Names,
    token_endpoint_auth_methods_supported: Names,
    revocation_endpoint_auth_methods_supported: Names,
    introspection_endpoint_auth_methods_supported: Names,
    acr_values_supported: Names,
    dpop_signing_alg_values_supported: Names,
  },
  {
    title: 'ServerMetadata',
    additionalProperties: false,
    examples: [documentOf('https://auth.example.com', 'https://auth.example.com')],
  },
);

/** `GET /.well-known/oauth-authorization-server` (RFC 8414). */
export function metadataRoute(app: App, options: MetadataOptions): void {
  const metadata = metadataOf(options);
  const headers = publicDocumentHeaders(options.keySetMaxAge);
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      schema: {
        operationId: 'getServerMetadata',
        tags: ['oauth'],
        summary: 'Authorization server metadata (RFC 8414)',
        description:
          'Available if `PUBLIC_URL` is set and `TOKEN_ISSUER` equals it. By default they are equal.',
        security: [],
        response: { 200: jsonAnswer('the metadata', Metadata), ...problemResponses(404) },
      },
    },
    async (_request, reply): Promise<Static<typeof Metadata>> => {
      if (metadata === null)
        throw new Refusal('not_found', 'Metadata is available only if TOKEN_ISSUER equals PUBLIC_URL.');
      reply.headers(headers);
      return metadata;
    },
  );
}

/**
 * Returns null if the issuer is not the URL of this document. Clients must refuse a document with a different issuer
 * (RFC 8414 section 3.3). Another issuer in the document would not match the tokens (RFC 9068 section 4).
 */
function metadataOf({ issuer, publicUrl }: MetadataOptions): Static<typeof Metadata> | null {
  return publicUrl !== null && isIssuerUrl(issuer, publicUrl) ? documentOf(issuer, publicUrl) : null;
}

/** Whether the issuer is this URL, with or without a slash at the end. */
export function isIssuerUrl(issuer: string, publicUrl: string): boolean {
  return issuer === publicUrl || issuer === `${publicUrl}/`;
}

function documentOf(issuer: string, publicUrl: string) {
  return {
    issuer,
    token_endpoint: `${publicUrl}/oauth/token`,
    revocation_endpoint: `${publicUrl}/oauth/revoke`,
    introspection_endpoint: `${publicUrl}/oauth/introspect`,
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    service_documentation: `${publicUrl}/docs`,
    response_types_supported: [],
    grant_types_supported: ['refresh_token'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    acr_values_supported: [...LEVELS],
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
  };
}
