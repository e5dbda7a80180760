/**
 * Examples from the final versions of OpenID Shared Signals Framework 1.0 and CAEP 1.0. These figures are copied:
 * "Session Revoked - subject as sub claim", "Provisioning a new FIDO2 authenticator", "Assurance Level Increase",
 * "Verification SET" and "Stream Updated SET".
 */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type';

const envelope = {
  iss: 'https://idp.example.com/123456789/',
  jti: '24c63fb56e5a2d77a6b512616ca9fa24',
  iat: 1615305159,
  aud: 'https://sp.example.com/caep',
  txn: '8675309',
};

const subject = {
  format: 'complex',
  session: { format: 'opaque', id: 'dMTlD|1600802906337.16|16008.16' },
  user: {
    format: 'iss_sub',
    iss: 'https://idp.example.com/123456789/',
    sub: '99beb27c-c1c2-4955-882a-e0dc4996fcbc',
  },
  tenant: { format: 'opaque', id: '123456789' },
};

const stream = { format: 'opaque', id: 'f67e39a0a4d34d56b3aa1bc4cff0069f' };

/** An example for each event that streams carry, by the last part of its URI. */
export const SIGNAL_EXAMPLES = {
  'session-revoked': {
    ...envelope,
    sub_id: subject,
    events: {
      [`${CAEP}/session-revoked`]: {
        initiating_entity: 'policy',
        reason_admin: { en: 'Landspeed Policy Violation: C076E82F' },
        reason_user: { en: 'Access attempt from multiple regions.' },
        event_timestamp: 1615304991,
      },
    },
  },
  'credential-change': {
    ...envelope,
    sub_id: subject,
    events: {
      [`${CAEP}/credential-change`]: {
        credential_type: 'fido2-roaming',
        change_type: 'create',
        fido2_aaguid: 'accced6a-63f5-490a-9eea-e59bc1896cfc',
        friendly_name: "Jane's USB authenticator",
        initiating_entity: 'user',
        reason_admin: { en: 'User self-enrollment' },
        event_timestamp: 1615304991,
      },
    },
  },
  'assurance-level-change': {
    ...envelope,
    sub_id: subject,
    events: {
      [`${CAEP}/assurance-level-change`]: {
        namespace: 'NIST-AAL',
        current_level: 'nist-aal2',
        previous_level: 'nist-aal1',
        change_direction: 'increase',
        initiating_entity: 'user',
        event_timestamp: 1615304991,
      },
    },
  },
  verification: {
    ...envelope,
    sub_id: stream,
    events: { [`${SSF}/verification`]: { state: 'VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo=' } },
  },
  'stream-updated': {
    ...envelope,
    sub_id: stream,
    events: { [`${SSF}/stream-updated`]: { status: 'paused', reason: 'Internal error' } },
  },
} as const;

/** The members that each event must have (CAEP 1.0 section 3, SSF 1.0 section 8.1). */
export const REQUIRED_MEMBERS: Readonly<Record<keyof typeof SIGNAL_EXAMPLES, readonly string[]>> = {
  'session-revoked': [],
  'credential-change': ['credential_type', 'change_type'],
  'assurance-level-change': ['namespace', 'current_level'],
  verification: [],
  'stream-updated': ['status'],
};

/** The values that the specifications list. They allow further credential types, which the service does not use. */
export const ALLOWED_VALUES: Readonly<Record<string, readonly string[]>> = {
  initiating_entity: ['admin', 'user', 'policy', 'system'],
  credential_type: [
    'password',
    'pin',
    'x509',
    'fido2-platform',
    'fido2-roaming',
    'fido-u2f',
    'verifiable-credential',
    'phone-voice',
    'phone-sms',
    'app',
  ],
  change_type: ['create', 'revoke', 'update', 'delete'],
  namespace: ['RFC8176', 'RFC6711', 'ISO-IEC-29115', 'NIST-IAL', 'NIST-AAL', 'NIST-FAL'],
  status: ['enabled', 'paused', 'disabled'],
};
