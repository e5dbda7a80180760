import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { PASSKEY_ORIGIN } from './sessions.ts';

type Cbor = number | string | Buffer | Map<Cbor, Cbor>;

/** Encodes numbers, text, bytes and maps as CBOR (RFC 8949). Other types do not occur in an attestation. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  const members = [...value].flatMap(([key, member]) => [cbor(key), cbor(member)]);
  return Buffer.concat([head(5, value.size), ...members]);
}

function head(major: number, argument: number): Buffer {
  const type = major << 5;
  if (argument < 24) return Buffer.from([type | argument]);
  if (argument < 256) return Buffer.from([type | 24, argument]);
  return Buffer.from([type | 25, argument >> 8, argument & 0xff]);
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();

const FLAGS = { present: 0x01, verified: 0x04, canBackUp: 0x08, isBackedUp: 0x10, hasCredential: 0x40 };

/** Deviations from a correct answer, for tests of refusals. */
interface Deviations {
  readonly origin?: string;
  readonly rpId?: string;
  readonly type?: string;
  readonly verified?: boolean;
  readonly signCount?: number;
  /** The format of the attestation statement. Default: `none`, the only format without members. */
  readonly format?: string;
}

/** The nonce in the passkey options that the service returned. */
export const nonceOf = ({ publicKey }: Record<string, unknown>): string =>
  String((publicKey as Record<string, unknown>).challenge);

/**
 * A passkey (ES256) in software. With `counts` it has a sign count. With `synced` it may be on several devices. Its
 * credential id has `idLength` bytes.
 */
export function softwareAuthenticator({ counts = false, synced = false, idLength = 16 } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const credentialId = randomBytes(idLength);
  const id = credentialId.toString('base64url');
  let signCount = 0;

  function authenticatorData(deviations: Deviations, attested: Buffer): Buffer {
    const { rpId = 'localhost', verified = true } = deviations;
    if (counts) signCount += 1;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(deviations.signCount ?? signCount);
    const flags =
      FLAGS.present |
      (verified ? FLAGS.verified : 0) |
      (synced ? FLAGS.canBackUp | FLAGS.isBackedUp : 0) |
      (attested.length > 0 ? FLAGS.hasCredential : 0);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter, attested]);
  }

  function clientData(type: string, challenge: string, deviations: Deviations): Buffer {
    const { origin = PASSKEY_ORIGIN } = deviations;
    return Buffer.from(
      JSON.stringify({ type: deviations.type ?? type, challenge, origin, crossOrigin: false }),
    );
  }

  function coseKey(): Buffer {
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const [xBytes, yBytes] = [x, y].map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer];
    return cbor(
      new Map<Cbor, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, xBytes],
        [-3, yBytes],
      ]),
    );
  }

  return {
    id,

    /** The answer to creation options. */
    create(challenge: string, deviations: Deviations = {}) {
      const length = Buffer.from([credentialId.length >> 8, credentialId.length & 0xff]);
      const attested = Buffer.concat([Buffer.alloc(16), length, credentialId, coseKey()]);
      const authData = authenticatorData(deviations, attested);
      const attestation = new Map<Cbor, Cbor>([
        ['fmt', deviations.format ?? 'none'],
        ['attStmt', new Map<Cbor, Cbor>(deviations.format === undefined ? [] : [['alg', -7]])],
        ['authData', authData],
      ]);
      return {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', challenge, deviations).toString('base64url'),
          attestationObject: cbor(attestation).toString('base64url'),
          transports: ['internal'],
        },
      };
    },

    /** The answer to request options. */
    get(challenge: string, deviations: Deviations = {}) {
      const authData = authenticatorData(deviations, Buffer.alloc(0));
      const data = clientData('webauthn.get', challenge, deviations);
      return {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: data.toString('base64url'),
          authenticatorData: authData.toString('base64url'),
          signature: sign('sha256', Buffer.concat([authData, sha256(data)]), privateKey).toString(
            'base64url',
          ),
        },
      };
    },
  };
}
