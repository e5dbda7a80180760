import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Passkey } from '../../domain/second-factor.ts';
import type { Passkeys } from '../../ports/security/passkeys.ts';

interface Options {
  /** The domain that passkeys are bound to. */
  readonly rpId: string;
  /** The name of the service, which browsers show. */
  readonly rpName: string;
  /** The origins whose pages may use passkeys. */
  readonly origins: readonly string[];
}

/** EdDSA, ES256 and RS256 (RFC 9053, RFC 8812), the preferred one first. */
const ALGORITHMS = [-8, -7, -257];

/** Milliseconds that a browser waits for its user. */
const TIMEOUT = 300_000;

/** Loads the library on demand, because its import delays the start. */
const loadLibrary = () => import('@simplewebauthn/server');

/** Creates the options for browsers, and verifies their answers (WebAuthn level 3). */
export function createPasskeys({ rpId, rpName, origins }: Options): Passkeys {
  const expected = { expectedOrigin: [...origins], expectedRPID: rpId };

  return {
    creationOptions: ({ nonce, user, existing }) => ({
      rp: { id: rpId, name: rpName },
      user: {
        id: Buffer.from(user.id).toString('base64url'),
        name: user.username,
        displayName: user.username,
      },
      challenge: nonce,
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ alg, type: 'public-key' })),
      timeout: TIMEOUT,
      excludeCredentials: existing.map(toDescriptor),
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'preferred',
      },
      attestation: 'none',
    }),

    requestOptions: ({ nonce, allowed, userVerification }) => ({
      rpId,
      challenge: nonce,
      timeout: TIMEOUT,
      allowCredentials: allowed.map(toDescriptor),
      userVerification,
    }),

    async verifyRegistration(answer, nonce) {
      const { verifyRegistrationResponse } = await loadLibrary();
      const registration = answer as unknown as RegistrationResponseJSON; // the library validates it
      const verification = withoutStatement(registration).then((response) =>
        verifyRegistrationResponse({
          ...expected,
          response,
          expectedChallenge: nonce,
          requireUserVerification: false,
          supportedAlgorithmIDs: ALGORITHMS,
        }),
      );
      // The library throws for every answer that is not valid.
      const { verified, registrationInfo } = await verification.catch(() => REFUSED);
      if (!verified || registrationInfo === undefined) return null;
      const { credential, credentialBackedUp, credentialDeviceType } = registrationInfo;
      return {
        credentialId: credential.id,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        signCount: credential.counter,
        transports: transportsIn(credential.transports),
        isBackupEligible: credentialBackedUp || credentialDeviceType === 'multiDevice',
      };
    },

    async verifyAssertion(answer, { nonce, passkey, requireUserVerification }) {
      if (answer.id !== passkey.credentialId) return null;
      const { verifyAuthenticationResponse } = await loadLibrary();
      const verification = verifyAuthenticationResponse({
        ...expected,
        response: answer as unknown as AuthenticationResponseJSON, // the library validates it
        expectedChallenge: nonce,
        credential: {
          id: passkey.credentialId,
          publicKey: Buffer.from(passkey.publicKey, 'base64url'),
          counter: passkey.signCount,
        },
        requireUserVerification,
      });
      const { verified, authenticationInfo } = await verification.catch(() => REFUSED);
      if (!verified || authenticationInfo === undefined) return null;
      const { newCounter, credentialBackedUp, credentialDeviceType } = authenticationInfo;
      return {
        signCount: newCounter,
        isBackupEligible: credentialBackedUp || credentialDeviceType === 'multiDevice',
      };
    },
  };
}

/**
 * Replaces the attestation statement, which this service does not ask for, by that of the format `none`. To verify some
 * formats, the library would fetch URLs from certificates that the client made. Rejects if the attestation object
 * cannot be decoded.
 */
async function withoutStatement(answer: RegistrationResponseJSON): Promise<RegistrationResponseJSON> {
  const { decodeAttestationObject, isoBase64URL, isoCBOR } = await import('@simplewebauthn/server/helpers');
  const object = decodeAttestationObject(isoBase64URL.toBuffer(answer.response.attestationObject));
  const none = new Map<string, string | Uint8Array | Map<string, string>>()
    .set('fmt', 'none')
    .set('attStmt', new Map())
    .set('authData', object.get('authData'));
  const attestationObject = isoBase64URL.fromBuffer(isoCBOR.encode(none));
  return { ...answer, response: { ...answer.response, attestationObject } };
}

/** A name such as `smart-card`. Browsers may add names. */
const TRANSPORT = /^[a-z\d-]{1,32}$/;
const MAX_TRANSPORTS = 10;

/** The library does not validate transports. They are only hints, so invalid ones are dropped. */
function transportsIn(given: unknown): string[] {
  if (!Array.isArray(given)) return [];
  return given
    .filter((name: unknown): name is string => typeof name === 'string' && TRANSPORT.test(name))
    .slice(0, MAX_TRANSPORTS);
}

const REFUSED = { verified: false, registrationInfo: undefined, authenticationInfo: undefined } as const;

/** The `PublicKeyCredentialDescriptor` of WebAuthn. */
function toDescriptor({ credentialId: id, transports }: Passkey) {
  return { id, type: 'public-key' as const, ...(transports.length > 0 && { transports: [...transports] }) };
}
