import { type Static, Type } from '@sinclair/typebox';
import { Refusal } from '../../../domain/refusal.ts';
import { PUSH_DELIVERY } from '../../../domain/streams.ts';
import { isIssuerUrl, type MetadataOptions } from '../oauth/metadata.ts';
import type { App } from '../server/app.ts';
import { longText } from '../server/field-schemas.ts';
import { publicDocumentHeaders } from '../server/protection.ts';
import { jsonAnswer, problemResponses } from '../server/schemas.ts';
import { STATUS, VERIFICATION } from './status.ts';
import { STREAMS } from './streams.ts';

export interface ConfigurationOptions extends MetadataOptions {
  /** Whether ACCESS_TOKEN_ALG is asymmetric, so that receivers can verify tokens by the published keys. */
  readonly signsEventTokens: boolean;
}

const Names = Type.Array(longText(), { maxItems: 10 });

const Configuration = Type.Object(
  {
    spec_version: longText(),
    issuer: longText(),
    jwks_uri: longText(),
    delivery_methods_supported: Names,
    configuration_endpoint: longText(),
    status_endpoint: longText(),
    verification_endpoint: longText(),
    critical_subject_members: Names,
    authorization_schemes: Type.Array(
      Type.Object({ spec_urn: longText() }, { additionalProperties: false }),
      {
        maxItems: 10,
      },
    ),
    default_subjects: longText(),
  },
  {
    title: 'TransmitterConfiguration',
    additionalProperties: false,
    examples: [documentOf('https://auth.example.com', 'https://auth.example.com')],
  },
);

/** `GET /.well-known/ssf-configuration` (SSF 1.0 section 7). */
export function configurationRoute(app: App, options: ConfigurationOptions): void {
  const configuration = configurationOf(options);
  const headers = publicDocumentHeaders(options.keySetMaxAge);
  app.get(
    '/.well-known/ssf-configuration',
    {
      schema: {
        operationId: 'getTransmitterConfiguration',
        tags: ['signals'],
        summary: 'Transmitter configuration of Shared Signals (SSF 1.0)',
        description:
          'Available if `PUBLIC_URL` is set, `TOKEN_ISSUER` equals it, and `ACCESS_TOKEN_ALG` is asymmetric.',
        security: [],
        response: { 200: jsonAnswer('the configuration', Configuration), ...problemResponses(404) },
      },
    },
    async (_request, reply): Promise<Static<typeof Configuration>> => {
      if (configuration === null)
        throw new Refusal(
          'not_found',
          'Shared Signals needs TOKEN_ISSUER equal to PUBLIC_URL, and an asymmetric ACCESS_TOKEN_ALG.',
        );
      reply.headers(headers);
      return configuration;
    },
  );
}

/** Null if receivers could not use the document. Its URL must be the issuer, and the signing keys must be public. */
function configurationOf({
  issuer,
  publicUrl,
  signsEventTokens,
}: ConfigurationOptions): Static<typeof Configuration> | null {
  if (!signsEventTokens || publicUrl === null) return null;
  return isIssuerUrl(issuer, publicUrl) ? documentOf(issuer, publicUrl) : null;
}

function documentOf(issuer: string, publicUrl: string) {
  return {
    spec_version: '1_0',
    issuer,
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    delivery_methods_supported: [PUSH_DELIVERY],
    configuration_endpoint: publicUrl + STREAMS,
    status_endpoint: publicUrl + STATUS,
    verification_endpoint: publicUrl + VERIFICATION,
    // A receiver that ignored the session would end all sessions of the user.
    critical_subject_members: ['user', 'session'],
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6750' }],
    default_subjects: 'ALL',
  };
}
