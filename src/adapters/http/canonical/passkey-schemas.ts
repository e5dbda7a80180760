import { Type } from '@sinclair/typebox';
import { MAX_FACTORS } from '../../../domain/second-factor.ts';
import { examples } from '../server/examples.ts';
import { closed, longText, oneOf } from '../server/field-schemas.ts';

const nonce = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA';
const credentialId = 'pK2mT0V1bXhUQ0dQ';

/** A binary value from the browser, in base64url. */
const Binary = (maxLength = 16_384) => Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength });
const PublicKeyType = oneOf(['public-key']);
const Transports = Type.Array(Type.String({ maxLength: 32 }), { maxItems: 10 });

const Credentials = Type.Array(
  Type.Object({ id: longText(), type: PublicKeyType, transports: Type.Optional(Transports) }, closed),
  { maxItems: MAX_FACTORS },
);

/** For `navigator.credentials.create`. */
export const Creation = Type.Object(
  {
    rp: Type.Object({ id: longText(), name: longText() }, closed),
    user: Type.Object({ id: longText(), name: longText(), displayName: longText() }, closed),
    challenge: longText(),
    pubKeyCredParams: Type.Array(
      Type.Object({ alg: Type.Integer({ minimum: -65_536, maximum: 0 }), type: PublicKeyType }, closed),
      { maxItems: 10 },
    ),
    timeout: Type.Integer({ minimum: 0, maximum: 3_600_000 }),
    excludeCredentials: Credentials,
    authenticatorSelection: Type.Object(
      {
        residentKey: oneOf(['required']),
        requireResidentKey: Type.Boolean(),
        userVerification: oneOf(['preferred']),
      },
      closed,
    ),
    attestation: oneOf(['none']),
  },
  { ...closed, description: 'PublicKeyCredentialCreationOptionsJSON (WebAuthn)' },
);

/** For `navigator.credentials.get`. */
export const RequestedAssertion = Type.Object(
  {
    rpId: longText(),
    challenge: longText(),
    timeout: Type.Integer({ minimum: 0, maximum: 3_600_000 }),
    allowCredentials: Credentials,
    userVerification: oneOf(['preferred', 'required']),
  },
  { ...closed, description: 'PublicKeyCredentialRequestOptionsJSON (WebAuthn)' },
);

/** A credential id of at most 1,023 bytes. */
const CredentialId = Binary(1_364);

const common = {
  id: CredentialId,
  rawId: CredentialId,
  type: PublicKeyType,
  authenticatorAttachment: Type.Optional(Type.Union([Type.String({ maxLength: 32 }), Type.Null()])),
  clientExtensionResults: Type.Optional(Type.Object({}, { description: 'ignored' })),
};

export const NewCredential = Type.Object(
  {
    ...common,
    response: Type.Object(
      {
        clientDataJSON: Binary(),
        attestationObject: Binary(32_768),
        authenticatorData: Type.Optional(Binary()),
        publicKey: Type.Optional(Binary()),
        publicKeyAlgorithm: Type.Optional(Type.Integer({ minimum: -65_536, maximum: 65_536 })),
        transports: Type.Optional(Transports),
      },
      closed,
    ),
  },
  { ...closed, description: 'RegistrationResponseJSON (WebAuthn)' },
);

export const Assertion = Type.Object(
  {
    ...common,
    response: Type.Object(
      {
        clientDataJSON: Binary(),
        authenticatorData: Binary(),
        signature: Binary(),
        userHandle: Type.Optional(Type.Union([Binary(128), Type.Null()])),
      },
      closed,
    ),
  },
  { ...closed, description: 'AuthenticationResponseJSON (WebAuthn)' },
);

const credential = { id: credentialId, rawId: credentialId, type: 'public-key', clientExtensionResults: {} };

/** Examples of WebAuthn options and responses. Binary values are shortened. */
export const passkeyExamples = {
  challenge: examples.challenge,
  creation: {
    rp: { id: 'auth.example.com', name: 'auth.example.com' },
    user: { id: 'NmYxZjVmMGU', name: 'ann', displayName: 'ann' },
    challenge: nonce,
    pubKeyCredParams: [{ alg: -8, type: 'public-key' }],
    timeout: 300_000,
    excludeCredentials: [],
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'preferred',
    },
    attestation: 'none',
  },
  request: {
    rpId: 'auth.example.com',
    challenge: nonce,
    timeout: 300_000,
    allowCredentials: [],
    userVerification: 'required',
  },
  newCredential: {
    ...credential,
    response: { clientDataJSON: 'eyJ0eXBlIjoid2Vi', attestationObject: 'o2NmbXRkbm9uZWdh' },
  },
  assertion: {
    ...credential,
    response: {
      clientDataJSON: 'eyJ0eXBlIjoid2Vi',
      authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4',
      signature: 'MEUCIQDs',
      userHandle: 'NmYxZjVmMGU',
    },
  },
};
