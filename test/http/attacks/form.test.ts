import { randomUUID } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { modifyToken } from '../../support/forge.ts';
import { rawRequest, sendRaw } from '../../support/raw-http.ts';
import {
  assertRefreshable,
  assertRefused,
  assertUnchanged,
  databaseTest,
  type Pair,
  refusal,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const JSON_TYPE = { 'content-type': 'application/json' };

type Cases = Record<string, unknown>;

/** The same wrong text in place of each half of the pair. */
function asEitherHalf(pair: Pair, texts: Record<string, string>): Cases {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => [
      [`${name} as refresh token`, { ...pair, refreshToken: text }],
      [`${name} as access token`, { ...pair, accessToken: text }],
    ]),
  );
}

const jwe = (token: string) =>
  new CompactEncrypt(Buffer.from(token))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(new Uint8Array(32));

databaseTest('text that is not a compact JWS is refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const { refreshToken } = pair;
  const [header = '', payload = '', signature = ''] = refreshToken.split('.');
  const flattened = JSON.stringify({ protected: header, payload, signature });
  const general = JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
  await assertRefused(t, service, refusal.malformed, {
    'no refresh token at all': {},
    'an access token alone': { accessToken: pair.accessToken },
    ...asEitherHalf(pair, {
      'empty text': '',
      blanks: ' \t ',
      'one segment': header,
      'two segments': `${header}.${payload}`,
      'three segments, the payload empty': `${header}..${signature}`,
      'three segments, the header empty': `.${payload}.${signature}`,
      'four segments': `${refreshToken}.${signature}`,
      'an empty fourth segment': `${refreshToken}.`,
      'five segments': `${refreshToken}.${payload}.${signature}`,
      'dots alone': '..',
      'the flattened JSON serialisation': flattened,
      'the general JSON serialisation': general,
      'a JWE': await jwe(refreshToken),
      'segments that hold no JSON': 'AAAA.AAAA.AAAA',
      'a payload that is a JSON array': `${header}.${Buffer.from('[1]').toString('base64url')}.${signature}`,
      'a payload that is null': `${header}.${Buffer.from('null').toString('base64url')}.${signature}`,
      'a payload that is not UTF-8': `${header}.${Buffer.from('7b22ff223a317d', 'hex').toString('base64url')}.${signature}`,
      'a header that is a JSON array': `${Buffer.from('[]').toString('base64url')}.${payload}.${signature}`,
      'the name __proto__': '__proto__',
      'SQL in its place': "' OR 1=1 --",
      'more SQL in its place': '; drop table token_families',
      'text that looks escaped': '%27%20OR%201%3D1',
      'a path in its place': '../../../etc/passwd',
      'a NUL': '\u0000',
      'a lone surrogate': '\ud800',
      'a token with a NUL behind it': `${refreshToken}\u0000`,
      'a token with a lone surrogate in it': refreshToken.replace('.', '\udfff.'),
    }),
  });
  await assertRefreshable(t, service, pair);
});

databaseTest('a segment that is not canonical base64url is refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  for (const half of ['refreshToken', 'accessToken'] as const) {
    const spellings = otherSpellings(pair[half]);
    const cases = Object.entries(spellings).map(([name, text]) => [
      `${half}: ${name}`,
      { ...pair, [half]: text },
    ]);
    await assertRefused(t, service, refusal.malformed, Object.fromEntries(cases));
  }
  await assertRefreshable(t, service, pair);
});

/** Texts that a tolerant decoder would read as the same token. */
function otherSpellings(token: string): Record<string, string> {
  const segments = token.split('.');
  const each = (name: string, change: (segment: string) => string) =>
    segments.map((segment, at) => [
      `${name} in segment ${at + 1}`,
      segments.map((other, index) => (index === at ? change(segment) : other)).join('.'),
    ]);
  const spellings = [
    ...each('a blank before', (segment) => ` ${segment}`),
    ...each('a blank behind', (segment) => `${segment} `),
    ...each('a line feed', (segment) => `${segment.slice(0, 4)}\n${segment.slice(4)}`),
    ...each('padding', (segment) => `${segment}${'='.repeat(4 - (segment.length % 4 || 3))}`),
    ...each('a stray character', (segment) => `${segment.slice(0, 4)}!${segment.slice(4)}`),
    ...each('a full-width letter', (segment) => segment.replace(/[A-Z]/, fullWidth)),
    ...each('bits beyond the last byte', withStrayBits),
    ['the alphabet of plain base64', token.replaceAll('-', '+').replaceAll('_', '/')],
    ['percent signs for dots', token.replaceAll('.', '%2E')],
    ['a byte order mark', `\ufeff${token}`],
    ['quotation marks', `"${token}"`],
    ['a scheme before it', `Bearer ${token}`],
  ] as const;
  return Object.fromEntries(spellings.filter(([, text]) => text !== token));
}

const fullWidth = (letter: string) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0);

/** Changes a padding bit of the last character. A segment without padding bits gets no such variant. */
function withStrayBits(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  if (segment.length % 4 === 0) return segment;
  const last = alphabet.indexOf(segment.slice(-1));
  return segment.slice(0, -1) + alphabet[last | 1];
}

databaseTest('oversized requests are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const padToken = (token: string, sign: ServiceOnDatabase['sign']['access']) =>
    modifyToken(token, { claims: { padding: 'x'.repeat(4096) } }, sign);
  await assertRefused(t, service, refusal.malformed, {
    'a genuinely signed refresh token over 4 KiB': {
      ...pair,
      refreshToken: padToken(pair.refreshToken, service.sign.refresh),
    },
    'a genuinely signed access token over 4 KiB': {
      ...pair,
      accessToken: padToken(pair.accessToken, service.sign.access),
    },
  });

  const long = JSON.stringify({ ...pair, padding: 'x'.repeat(64 * 1024) });
  const head = ['Host: localhost', 'Connection: close', 'Content-Type: application/json'];
  const login = `POST /auth/login?userId=${USER}`;
  const requests = {
    'headers over 16 KiB': [
      rawRequest(login, ['Host: localhost', `X-Long: ${'x'.repeat(16 * 1024)}`]),
      '431 headers_too_large',
    ],
    'a path over 16 KiB': [rawRequest(`${login}&x=${'x'.repeat(16 * 1024)}`, head), '431 headers_too_large'],
    'a body over 64 KiB': [
      rawRequest('POST /auth/refresh', [...head, `Content-Length: ${long.length}`], long),
      '413 payload_too_large',
    ],
    'a body over 64 KiB of unknown length': [
      rawRequest(
        'POST /auth/refresh',
        [...head, 'Transfer-Encoding: chunked'],
        `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`,
      ),
      '413 payload_too_large',
    ],
    'a body that is only announced': [
      rawRequest('POST /auth/refresh', [...head, 'Content-Length: 99999999999']),
      '413 payload_too_large',
    ],
  } as const;
  for (const [name, [request, wanted]] of Object.entries(requests)) {
    const { outcome } = await assertUnchanged(t, sql, () => sendRaw(service.url, request), name);
    t.equal(outcome, wanted, name);
  }
  await assertRefreshable(t, service, pair);
});

databaseTest(
  'a body that is no JSON object, or has unknown members or wrong types, is refused',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql);
    const pair = await service.open();
    const { refreshToken, accessToken } = pair;
    const text = JSON.stringify(pair);
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const deepObject = `${'{"refreshToken":'.repeat(3_000)}1${'}'.repeat(3_000)}`;
    const bodies: Record<string, string | Uint8Array> = {
      'no JSON': 'refreshToken=a&accessToken=b',
      'a truncated body': text.slice(0, -1),
      'more after the body': `${text}{}`,
      'a trailing comma': `${text.slice(0, -1)},}`,
      'a comment': `/**/${text}`,
      'UTF-16, little endian': Buffer.from(text, 'utf16le'),
      'UTF-16 with a byte order mark': Buffer.from(`\ufeff${text}`, 'utf16le'),
      'UTF-16, big endian': Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
      'invalid UTF-8': Buffer.concat([
        Buffer.from('{"refreshToken":"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}'),
      ]),
      'UTF-8 in too many bytes': Buffer.concat([
        Buffer.from('{"refreshToken":"'),
        Buffer.from([0xc0, 0xae]),
        Buffer.from('"}'),
      ]),
      '10,000 levels of arrays': deep,
      '10,000 levels in a member': `{"refreshToken":${deep}}`,
      '3,000 levels of objects': deepObject,
      'a raw NUL': text.replace('{', '{\u0000'),
      null: 'null',
      'an array': `[${text}]`,
      'a number': '42',
      'a number that is too large': '1e400',
      text: JSON.stringify(refreshToken),
      __proto__member: `{"__proto__":{"refreshToken":"a"},${text.slice(1)}`,
      'escaped __proto__': `{"\\u005f_proto__":{"refreshToken":"a"},${text.slice(1)}`,
      'constructor.prototype': `{"constructor":{"prototype":{"refreshToken":"a"}},${text.slice(1)}`,
    };
    for (const [name, body] of Object.entries(bodies)) {
      const send = () => service.send('/auth/refresh', { method: 'POST', headers: JSON_TYPE, body });
      const answer = await assertUnchanged(t, sql, send, name);
      t.equal(`${answer.status} ${answer.body.code}`, refusal.request, name);
    }
    await assertRefused(t, service, refusal.request, {
      'the refresh token as an array': { ...pair, refreshToken: [refreshToken] },
      'the refresh token as an object': { ...pair, refreshToken: { $ne: null } },
      'the refresh token as the object of a flattened JWS': {
        ...pair,
        refreshToken: { protected: refreshToken.split('.')[0], payload: refreshToken.split('.')[1] },
      },
      'the refresh token null': { ...pair, refreshToken: null },
      'the refresh token a number': { ...pair, refreshToken: 42 },
      'the refresh token true': { ...pair, refreshToken: true },
      'the access token null': { ...pair, accessToken: null },
      'the access token as an array': { ...pair, accessToken: [accessToken] },
      'the access token a number': { ...pair, accessToken: 0 },
      ...Object.fromEntries(
        [
          'role',
          'id',
          'verified',
          'userId',
          'generation',
          'constructor',
          'toString',
          'REFRESHTOKEN',
          '',
          '\u0000',
          '\ud800',
        ].map((member) => [`an unknown member ${JSON.stringify(member)}`, { ...pair, [member]: 'admin' }]),
      ),
    });
    await assertRefreshable(t, service, pair);
  },
);

databaseTest('a parameter that is given twice is refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const { refreshToken: token, accessToken } = pair;
  const requests: Record<string, readonly [string, unknown?, Record<string, string>?]> = {
    'a refresh token twice in the query': [
      `?refreshToken=${token}&refreshToken=${token}&accessToken=${accessToken}`,
    ],
    'an access token twice in the query': [`?refreshToken=${token}&accessToken=${accessToken}&accessToken=a`],
    'a refresh token in query and body': [`?refreshToken=${token}`, pair],
    'an access token in query and body': [`?accessToken=a`, pair],
    'two keys in one header': ['', pair, { 'idempotency-key': 'one, two' }],
  };
  for (const [name, [query, body, headers]] of Object.entries(requests)) {
    const send = () => service.post(`/auth/refresh${query}`, body, headers);
    const answer = await assertUnchanged(t, sql, send, name);
    t.equal(`${answer.status} ${answer.body.code}`, refusal.request, name);
  }
  const two = rawRequest(
    'POST /auth/refresh',
    [
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
      'Idempotency-Key: one',
      'Idempotency-Key: two',
      `Content-Length: ${JSON.stringify(pair).length}`,
    ],
    JSON.stringify(pair),
  );
  const { outcome } = await assertUnchanged(t, sql, () => sendRaw(service.url, two), 'two Idempotency-Keys');
  t.equal(outcome, refusal.request, 'two Idempotency-Keys');
  await assertRefreshable(t, service, pair);
});

databaseTest('the text of a login is validated before it is stored', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const queries: Record<string, string> = {
    'a NUL in the user id': `userId=${USER}%00`,
    'a NUL as user id': 'userId=%00',
    'a lone surrogate as user id': 'userId=%ED%A0%80',
    'a user id in braces': `userId={${USER}}`,
    'a user id without hyphens': `userId=${USER.replaceAll('-', '')}`,
    'a user id with a line feed': `userId=${USER}%0a`,
    'a user id in full-width digits': `userId=${encodeURIComponent(USER.replace('6', '６'))}`,
    'a user id as an array': `userId[]=${USER}`,
    'a user id that is no escape': 'userId=%zz',
    'SQL as user id': "userId=' OR 1=1 --",
    'escaped SQL as user id': `userId=${USER}%27;drop%20table%20token_families`,
    'a NUL in the address': `userId=${USER}&email=ann%00@example.com`,
    'a lone surrogate in the address': `userId=${USER}&email=ann%ED%A0%80@example.com`,
    'a line feed behind the address': `userId=${USER}&email=ann@example.com%0a`,
    'a second recipient': `userId=${USER}&email=ann@example.com%0d%0aBcc:%20eve@example.com`,
    'two addresses': `userId=${USER}&email=ann@example.com,eve@example.com`,
    'two parameters': `userId=${USER}&email=ann@example.com&email=eve@example.com`,
    'an address in angle brackets': `userId=${USER}&email=%3Cann@example.com%3E`,
    'a quoted at sign': `userId=${USER}&email=%22ann@evil%22@example.com`,
    'no address': `userId=${USER}&email=`,
    'an address of 255 characters': `userId=${USER}&email=a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.example.com`,
    'a NUL in the binding': `userId=${USER}&binding=pair%00`,
    'a binding in capitals': `userId=${USER}&binding=PAIR`,
    'a binding twice': `userId=${USER}&binding=pair&binding=refresh`,
  };
  for (const [name, query] of Object.entries(queries)) {
    const answer = await assertUnchanged(t, sql, () => service.post(`/auth/login?${query}`), name);
    t.equal(`${answer.status} ${answer.body.code}`, refusal.request, name);
  }
});

databaseTest('SQL in a text field is stored as plain text', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const userAgent = `'; drop table token_families; -- %27 ' OR '1'='1 $1 \\'`;
  const email = "a'or'1'='1@example.com";
  const pair = await service.open({
    query: `&email=${encodeURIComponent(email)}`,
    headers: { 'user-agent': userAgent },
  });
  const second = await service.next(pair, { 'user-agent': userAgent, 'idempotency-key': "'OR/**/1=1;--" });
  const rows = await sql`select contact, user_agent, generation from token_families`;
  t.same([...rows], [{ contact: email, user_agent: userAgent, generation: 1 }], 'it is stored unchanged');
  await assertRefreshable(t, service, second);
});

databaseTest('unknown paths and methods are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const close = ['Host: localhost', 'Connection: close'];
  const login = `/auth/login?userId=${USER}`;
  const requests: Record<string, readonly [string, string]> = {
    'GET /%zz': ['400 invalid_request', 'a path that is no escape'],
    'POST /auth/%zz': ['400 invalid_request', 'a path below a route that is no escape'],
    'POST /auth/login%': ['400 invalid_request', 'half an escape'],
    'GET /%ff%fe': ['400 invalid_request', 'a path that is not UTF-8'],
    'GET /%00': ['404 not_found', 'a NUL as path'],
    [`TRACE ${login}`]: ['405 method_not_allowed', 'TRACE'],
    [`PROPFIND ${login}`]: ['405 method_not_allowed', 'a method of another protocol'],
    [`GET ${login}`]: ['405 method_not_allowed', 'GET where POST is due'],
    [`HEAD ${login}`]: ['405', 'HEAD where POST is due'],
    [`PUT ${login}`]: ['405 method_not_allowed', 'PUT where POST is due'],
    'CONNECT evil.example:443': ['404 not_found', 'CONNECT'],
    [`BREW ${login}`]: ['400 invalid_request', 'an unknown method'],
    [`post ${login}`]: ['400 invalid_request', 'a method in small letters'],
    [`POST //auth/login?userId=${USER}`]: ['404 not_found', 'two slashes'],
    [`POST /auth/login/?userId=${USER}`]: ['404 not_found', 'a slash behind'],
    [`POST /AUTH/LOGIN?userId=${USER}`]: ['404 not_found', 'capitals'],
    [`POST /auth/../auth/login?userId=${USER}`]: ['404 not_found', 'dots'],
    'GET /docs/static/..%2f..%2f..%2fpackage.json': ['404 not_found', 'out of the folder of the docs'],
  };
  for (const [line, [wanted, name]] of Object.entries(requests)) {
    const request = rawRequest(line, close);
    const { outcome, text } = await assertUnchanged(t, sql, () => sendRaw(service.url, request), name);
    t.equal(outcome, wanted, name);
    t.match(text, /content-type: application\/problem\+json/, `${name}: a problem document`);
  }
  const { headers } = await service.send('/%zz');
  t.match(headers.get('x-request-id'), /^[\w.-]{8,64}$/, 'a refusal before any route also has a request id');
});

databaseTest('bodies of an unsupported content type are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'json',
    randomUUID(),
  ];
  for (const type of types) {
    const send = () => service.post('/auth/refresh', JSON.stringify(pair), { 'content-type': type });
    const answer = await assertUnchanged(t, sql, send, type);
    t.equal(`${answer.status} ${answer.body.code}`, '415 unsupported_media_type', type);
  }
  await assertRefreshable(t, service, pair);
});
