import t from 'tap';
import type { ClientInfo } from '../../src/domain/events.ts';
import type { ChangePolicy } from '../../src/domain/policy.ts';
import {
  type Circumstances,
  type JudgedFamily,
  judgeRefresh,
  type Presented,
} from '../../src/domain/refresh-verdict.ts';

const NOW = 1_800_000_000_500;
const HOME: ClientInfo = { address: '203.0.113.1', userAgent: 'Browser/1' };
const AWAY: ClientInfo = { address: '198.51.100.7', userAgent: 'Browser/1' };
const OTHER_AGENT: ClientInfo = { address: '203.0.113.1', userAgent: 'curl/8' };

/** Agents of more than 300 characters as rows keep them: cut inside a product. */
const LONG = `Browser/1 (${'x'.repeat(282)}) Exten`;
const OTHER_CUT = `Browser/10 (${'x'.repeat(282)}) Exte`;

function family(values: Partial<JudgedFamily> = {}): JudgedFamily {
  return {
    userId: 'ann',
    paired: true,
    clientId: 'app',
    confidential: false,
    onAddressChange: 'notify',
    onUserAgentChange: 'ignore',
    generation: 5,
    hashedRefreshTokenId: 'hash-5',
    previousHash: 'hash-4',
    retryKeyHash: 'key-of-the-last-rotation',
    ...HOME,
    productHash: null,
    rotatedAt: NOW - 60_000,
    expiresAt: NOW + 60_000,
    revoked: null,
    ...values,
  };
}

interface Brought {
  readonly generation?: number;
  readonly hash?: string;
  readonly iat?: number;
  readonly sub?: string;
  readonly key?: string;
  readonly client?: ClientInfo;
  readonly oauthClient?: Presented['oauthClient'];
}

function brought({
  generation = 5,
  hash,
  iat,
  sub = 'ann',
  key,
  client = HOME,
  oauthClient = null,
}: Brought): Presented {
  return {
    oauthClient,
    claims: {
      sub,
      jti: 'jti',
      linkerId: 'linker',
      userIp: HOME.address,
      tokenFamily: 'family',
      generation,
      iat: iat ?? Math.floor(NOW / 1000) - 60,
      exp: Math.floor(NOW / 1000) + 60,
      at_hash: 'the other half',
    },
    hash: hash ?? `hash-${generation}`,
    retryKeyHash: key ?? null,
    client,
  };
}

const around = (values: Partial<Circumstances['policy']> = {}): Circumstances => ({
  policy: { retryWindow: 0, clockSkew: 5_000, ...values },
  now: NOW,
  remembered: null,
});

/** The verdict in one line, and what is told with it. */
function verdict(row: JudgedFamily | null, presented: Presented, circumstances = around()): string[] {
  const found = judgeRefresh(row, presented, circumstances);
  const what = 'code' in found ? [found.kind, found.code] : [found.kind];
  return [what.join(' '), ...found.occurrences.map(({ event }) => event.type)];
}

const blocked = (policy: 'onAddressChange' | 'onUserAgentChange') =>
  family({ [policy]: 'block' as ChangePolicy });
const KEY = 'key-of-the-last-rotation';
const window = around({ retryWindow: 10_000 });
const justRotated = (ago: number) => family({ rotatedAt: NOW - ago });

const rows: [string, JudgedFamily | null, Presented, string[], Circumstances?][] = [
  ['6 no such family', null, brought({}), ['refuse session_not_found']],
  ['6 the family of another user', family(), brought({ sub: 'bob' }), ['refuse session_not_found']],
  [
    '7 revoked for reuse, current token',
    family({ revoked: { at: 1, reason: 'reuse' } }),
    brought({}),
    ['refuse session_revoked'],
  ],
  [
    '7 revoked for reuse, older token',
    family({ revoked: { at: 1, reason: 'reuse' } }),
    brought({ generation: 3 }),
    ['refuse token_reused'],
  ],
  [
    '7 logged out, older token',
    family({ revoked: { at: 1, reason: 'logout' } }),
    brought({ generation: 3 }),
    ['refuse session_revoked'],
  ],
  ['an unpaired row, a paired token', family({ paired: false }), brought({}), ['refuse invalid_token']],
  ['8 past its end', family({ expiresAt: NOW }), brought({}), ['refuse session_expired']],
  ['8 before reuse', family({ expiresAt: NOW }), brought({ generation: 1 }), ['refuse session_expired']],
  ['9 the key of the rotation', family(), brought({ generation: 4, key: KEY }), ['repeat']],
  [
    '9 another key',
    family(),
    brought({ generation: 4, key: 'x' }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '9 the key, another hash',
    family(),
    brought({ generation: 4, hash: 'x', key: KEY }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '9 the key, from another network',
    family(),
    brought({ generation: 4, key: KEY, client: AWAY }),
    ['repeat', 'sessions.address_changed'],
  ],
  [
    '9 the key, from another network, blocked',
    blocked('onAddressChange'),
    brought({ generation: 4, key: KEY, client: AWAY }),
    ['refuse address_changed', 'sessions.address_changed'],
  ],
  ['9 within the window', justRotated(15_000), brought({ generation: 4 }), ['repeat'], window],
  [
    '9 after the window',
    justRotated(15_001),
    brought({ generation: 4 }),
    ['revoke token_reused', 'sessions.reuse_detected'],
    window,
  ],
  [
    '9 the rotating clock was ahead, within the skew',
    justRotated(-5_000),
    brought({ generation: 4 }),
    ['repeat'],
    window,
  ],
  [
    '9 the rotating clock was further ahead',
    justRotated(-5_001),
    brought({ generation: 4 }),
    ['revoke token_reused', 'sessions.reuse_detected'],
    window,
  ],
  [
    '9 within the window, another address',
    justRotated(0),
    brought({ generation: 4, client: AWAY }),
    ['revoke token_reused', 'sessions.reuse_detected'],
    window,
  ],
  [
    '9 within the window, another agent',
    justRotated(0),
    brought({ generation: 4, client: OTHER_AGENT }),
    ['revoke token_reused', 'sessions.reuse_detected'],
    window,
  ],
  [
    '9 no window, at once',
    justRotated(0),
    brought({ generation: 4 }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '10 an earlier generation',
    family(),
    brought({ generation: 3 }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '10 the current generation, another hash',
    family(),
    brought({ hash: 'x' }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '10 a later generation minted before the last rotation',
    family(),
    brought({ generation: 6, iat: Math.floor((NOW - 65_000) / 1000) - 1 }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '10 before 11 and 12',
    family({ onAddressChange: 'block', onUserAgentChange: 'block' }),
    brought({ generation: 3, client: { ...AWAY, userAgent: 'curl' } }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
  [
    '11 another product, bound',
    blocked('onUserAgentChange'),
    brought({ client: OTHER_AGENT }),
    ['revoke user_agent_changed', 'sessions.revoked'],
  ],
  [
    '11 another version only',
    blocked('onUserAgentChange'),
    brought({ client: { ...HOME, userAgent: 'Browser/2' } }),
    ['rotate'],
  ],
  [
    '11 another version only, after a blank',
    family({ onUserAgentChange: 'block', userAgent: 'Mozilla/5.0 (iPhone) Instagram 312.0' }),
    brought({ client: { ...HOME, userAgent: 'Mozilla/5.0 (iPhone) Instagram 313.0' } }),
    ['rotate'],
  ],
  [
    '11 the row keeps the agent undecoded',
    family({ onUserAgentChange: 'block', userAgent: 'Caf\u00c3\u00a9/1' }),
    brought({ client: { ...HOME, userAgent: 'Caf\u00e9/2' } }),
    ['rotate'],
  ],
  ...(
    [
      ['one product in both', LONG, 'hash-a', LONG, 'hash-a', true],
      ['the cut falls inside a product', LONG, 'hash-a', OTHER_CUT, 'hash-a', true],
      ['another product behind the cut', LONG, 'hash-a', LONG, 'hash-b', false],
      ['the agent grows past the cut', 'Browser/1', 'hash-a', LONG, 'hash-a', true],
      ['the agent shrinks to a whole one', LONG, 'hash-a', 'Browser/1', 'hash-b', false],
      ['an older row, one product up to the cut', LONG, null, LONG, 'hash-a', true],
      ['an older row, another product up to the cut', LONG, null, OTHER_CUT, 'hash-a', false],
      ['agents kept whole, a hash of an older rule', 'Browser/1', 'hash-old', 'Browser/2', 'hash-a', true],
    ] as const
  ).map(([name, userAgent, productHash, presented, presentedHash, isSame]): (typeof rows)[number] => [
    `11 ${name}`,
    family({ onUserAgentChange: 'block', userAgent, productHash }),
    brought({ client: { ...HOME, userAgent: presented, productHash: presentedHash } }),
    isSame ? ['rotate'] : ['revoke user_agent_changed', 'sessions.revoked'],
  ]),
  [
    '11 before 12',
    family({ onAddressChange: 'block', onUserAgentChange: 'block' }),
    brought({ client: { ...AWAY, userAgent: 'curl' } }),
    ['revoke user_agent_changed', 'sessions.revoked'],
  ],
  [
    '11 another product, told of',
    family({ onUserAgentChange: 'notify' }),
    brought({ client: OTHER_AGENT }),
    ['rotate', 'sessions.user_agent_changed'],
  ],
  [
    '12 another address, bound',
    blocked('onAddressChange'),
    brought({ client: AWAY }),
    ['refuse address_changed', 'sessions.address_changed'],
  ],
  ['13 the current one', family(), brought({}), ['rotate']],
  ['13 another key', family(), brought({ key: 'x' }), ['rotate']],
  ['13 the key of the rotation before', family(), brought({ key: KEY }), ['refuse idempotency_key_reused']],
  [
    '13 another network, told of',
    family(),
    brought({ client: AWAY }),
    ['rotate', 'sessions.address_changed'],
  ],
  [
    '13 another network, ignored',
    family({ onAddressChange: 'ignore' }),
    brought({ client: AWAY }),
    ['rotate'],
  ],
  [
    '14 later, minted after the last rotation',
    family(),
    brought({ generation: 9 }),
    ['rotate', 'sessions.healed'],
  ],
  [
    '14 within the skew',
    family(),
    brought({ generation: 6, iat: Math.floor((NOW - 65_000) / 1000) }),
    ['rotate', 'sessions.healed'],
  ],
  [
    '14 a revocation is remembered',
    family(),
    brought({ generation: 9 }),
    ['revoke session_revoked', 'sessions.revoked'],
    { ...around(), remembered: 'logout' },
  ],
  [
    '14 a revocation for reuse is remembered',
    family(),
    brought({ generation: 9 }),
    ['revoke token_reused', 'sessions.revoked'],
    { ...around(), remembered: 'reuse' },
  ],
];

const CONFIDENTIAL = family({ confidential: true });
const named = { id: 'app', isAuthenticated: false };
const authenticated = { id: 'app', isAuthenticated: true };
const another = { id: 'other', isAuthenticated: true };
const ended = family({ confidential: true, revoked: { at: NOW, reason: 'logout' } });

rows.push(
  [
    'the client that the session was opened for may refresh it',
    family(),
    brought({ oauthClient: named }),
    ['rotate'],
  ],
  ['another client may not refresh', family(), brought({ oauthClient: another }), ['refuse invalid_token']],
  ['confidential: its client may refresh', CONFIDENTIAL, brought({ oauthClient: authenticated }), ['rotate']],
  ['confidential: without a client', CONFIDENTIAL, brought({}), ['refuse unauthenticated']],
  [
    'confidential: unauthenticated',
    CONFIDENTIAL,
    brought({ oauthClient: named }),
    ['refuse unauthenticated'],
  ],
  ['confidential: another client', CONFIDENTIAL, brought({ oauthClient: another }), ['refuse invalid_token']],
  ['confidential: reuse, no client', CONFIDENTIAL, brought({ generation: 3 }), ['refuse unauthenticated']],
  ['confidential: no client, revoked before', ended, brought({}), ['refuse unauthenticated']],
  [
    'confidential: reuse by its client',
    CONFIDENTIAL,
    brought({ generation: 3, oauthClient: authenticated }),
    ['revoke token_reused', 'sessions.reuse_detected'],
  ],
);

for (const [name, row, presented, expected, circumstances] of rows) {
  t.test(`row ${name}`, async (t) => {
    t.same(verdict(row, presented, circumstances), expected);
  });
}

t.test('a retry reports a new network, but no known one', async (t) => {
  const row = family({ address: AWAY.address });
  const retry = (address: string, mintedAt: string) => {
    const presented = brought({ generation: 4, key: KEY, client: { ...HOME, address } });
    return { ...presented, claims: { ...presented.claims, userIp: mintedAt } };
  };
  t.same(verdict(row, retry(AWAY.address, HOME.address)), ['repeat'], 'where it was rotated');
  t.same(verdict(row, retry(HOME.address, HOME.address)), ['repeat'], 'where it was minted');
  t.same(verdict(row, retry('192.0.2.1', HOME.address)), ['repeat', 'sessions.address_changed']);
});

t.test('a retry by another product revokes the family if its policy blocks that', async (t) => {
  const retry = (userAgent: string) => brought({ generation: 4, key: KEY, client: { ...HOME, userAgent } });
  const expected = ['revoke user_agent_changed', 'sessions.revoked'];
  t.same(verdict(blocked('onUserAgentChange'), retry('curl/8.1')), expected);
  t.same(verdict(blocked('onUserAgentChange'), retry(HOME.userAgent)), ['repeat'], 'the same product');
  t.same(verdict(family(), retry('curl/8.1')), ['repeat'], 'no policy');
});

const told = 'sessions.address_changed';
const networks: [minted: string, brought: string, isSame: boolean][] = [
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', true],
  ['2001:db8:0:1::1', '2001:0DB8:0000:0001:0:0:0:1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['203.0.113.1', '203.0.113.2', false],
  ['::1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', true],
  ['127.0.0.1', '::2', false],
];

for (const [minted, address, isSame] of networks) {
  t.test(`${address} is ${isSame ? 'the network' : 'another network than that'} of ${minted}`, async (t) => {
    const judged = (onAddressChange: ChangePolicy, values: Brought, circumstances?: Circumstances) => {
      const row = family({ address: minted, onAddressChange, rotatedAt: NOW });
      const presented = brought({ ...values, client: { ...HOME, address } });
      return verdict(row, { ...presented, claims: { ...presented.claims, userIp: minted } }, circumstances);
    };
    const retry = { generation: 4, key: KEY };
    const refused = ['refuse address_changed', told];
    const reuse = ['revoke token_reused', 'sessions.reuse_detected'];
    t.same(judged('notify', {}), isSame ? ['rotate'] : ['rotate', told], 'row 13');
    t.same(judged('block', {}), isSame ? ['rotate'] : refused, 'row 12');
    t.same(judged('block', retry), isSame ? ['repeat'] : refused, 'row 9 with the key');
    t.same(judged('block', { generation: 4 }, window), isSame ? ['repeat'] : reuse, 'row 9 in the window');
  });
}
