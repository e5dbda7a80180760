import t from 'tap';
import type { ClientInfo } from '../../src/domain/client-info.ts';
import type { ChangePolicy, Policy } from '../../src/domain/policy.ts';
import type { RefreshContext } from '../../src/domain/refresh-context.ts';
import { type JudgedFamily, judgeRefresh } from '../../src/domain/refresh-verdict.ts';

const NOW = 1_800_000_000_500;
const HOME: ClientInfo = { address: '203.0.113.1', userAgent: 'Browser/1' };
const AWAY: ClientInfo = { address: '198.51.100.7', userAgent: 'Browser/1' };
const OTHER_AGENT: ClientInfo = { address: '203.0.113.1', userAgent: 'curl/8' };

/** User agents of more than 300 characters, as a row stores them. They are cut inside a product. */
const LONG = `Browser/1 (${'x'.repeat(282)}) Exten`;
const OTHER_CUT = `Browser/10 (${'x'.repeat(282)}) Exte`;

function family(values: Partial<JudgedFamily> = {}): JudgedFamily {
  return {
    userId: 'ann',
    paired: true,
    clientId: 'app',
    confidential: false,
    jkt: null,
    onAddressChange: 'notify',
    onUserAgentChange: 'ignore',
    generation: 5,
    hashedRefreshTokenId: 'hash-5',
    hashedPreviousTokenId: 'hash-4',
    retryKeyHash: 'key-of-the-last-rotation',
    ...HOME,
    productHash: null,
    authentication: { generation: 0 },
    rotatedAt: NOW - 60_000,
    expiresAt: NOW + 60_000,
    revoked: null,
    ...values,
  };
}

interface Presented {
  readonly generation?: number;
  readonly hash?: string;
  readonly iat?: number;
  readonly sub?: string;
  readonly key?: string;
  readonly client?: ClientInfo;
  readonly oauthClient?: RefreshContext['oauthClient'];
  readonly knownRevocation?: RefreshContext['knownRevocation'];
  readonly operation?: RefreshContext['operation'];
}

function contextOf({
  generation = 5,
  hash,
  iat,
  sub = 'ann',
  key,
  client = HOME,
  oauthClient = null,
  knownRevocation = null,
  operation = 'refresh',
}: Presented): RefreshContext {
  return {
    operation,
    oauthClient,
    knownRevocation,
    now: NOW,
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
    hashedTokenId: hash ?? `hash-${generation}`,
    retryKeyHash: key ?? null,
    client,
  };
}

type VerdictPolicy = Pick<Policy, 'retryWindow' | 'clockSkew'>;

const NO_WINDOW: VerdictPolicy = { retryWindow: 0, clockSkew: 5_000 };
const WINDOW: VerdictPolicy = { ...NO_WINDOW, retryWindow: 10_000 };

/** The verdict in one line, then the types of its events. */
function verdict(row: JudgedFamily | null, context: RefreshContext, policy = NO_WINDOW): string[] {
  const found = judgeRefresh(row, context, policy);
  const what = 'code' in found ? [found.kind, found.code] : [found.kind];
  return [what.join(' '), ...found.occurrences.map(({ event }) => event.type)];
}

const familyThatBlocks = (policy: 'onAddressChange' | 'onUserAgentChange') =>
  family({ [policy]: 'block' as ChangePolicy });
const KEY = 'key-of-the-last-rotation';
const justRotated = (ago: number) => family({ rotatedAt: NOW - ago });

interface Row {
  /** The number of the row in docs/domain.md if the table has one, then the situation. */
  readonly name: string;
  readonly family: JudgedFamily | null;
  readonly context: RefreshContext;
  /** The verdict, then the types of its events. */
  readonly expected: readonly string[];
  readonly policy?: VerdictPolicy;
}

const rows: Row[] = [
  { name: '6 no such family', family: null, context: contextOf({}), expected: ['refuse session_not_found'] },
  {
    name: '6 the family of another user',
    family: family(),
    context: contextOf({ sub: 'bob' }),
    expected: ['refuse session_not_found'],
  },
  {
    name: '7 revoked for reuse, current token',
    family: family({ revoked: { at: 1, reason: 'reuse' } }),
    context: contextOf({}),
    expected: ['refuse session_revoked'],
  },
  {
    name: '7 revoked for reuse, older token',
    family: family({ revoked: { at: 1, reason: 'reuse' } }),
    context: contextOf({ generation: 3 }),
    expected: ['refuse token_reused'],
  },
  ...[2, 3, 4].map((generation) => ({
    name: `7 the user was disabled, token of generation ${generation}`,
    family: family({ revoked: { at: 1, reason: 'disabled' } as const }),
    context: contextOf({ generation }),
    expected: ['refuse account_disabled'],
  })),
  {
    name: '7 logged out, older token',
    family: family({ revoked: { at: 1, reason: 'logout' } }),
    context: contextOf({ generation: 3 }),
    expected: ['refuse session_revoked'],
  },
  {
    name: 'an unpaired family, a paired token',
    family: family({ paired: false }),
    context: contextOf({}),
    expected: ['refuse invalid_token'],
  },
  {
    name: '8 the session has reached its end',
    family: family({ expiresAt: NOW }),
    context: contextOf({}),
    expected: ['refuse session_expired'],
  },
  {
    name: '8 is checked before row 10',
    family: family({ expiresAt: NOW }),
    context: contextOf({ generation: 1 }),
    expected: ['refuse session_expired'],
  },
  {
    name: '9 the same Idempotency-Key',
    family: family(),
    context: contextOf({ generation: 4, key: KEY }),
    expected: ['reissue'],
  },
  {
    name: '9 another Idempotency-Key',
    family: family(),
    context: contextOf({ generation: 4, key: 'x' }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '9 the same key, another hash',
    family: family(),
    context: contextOf({ generation: 4, hash: 'x', key: KEY }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '9 the same key, another network',
    family: family(),
    context: contextOf({ generation: 4, key: KEY, client: AWAY }),
    expected: ['reissue', 'sessions.address_changed'],
  },
  {
    name: '9 the same key, another network, which the policy blocks',
    family: familyThatBlocks('onAddressChange'),
    context: contextOf({ generation: 4, key: KEY, client: AWAY }),
    expected: ['refuse address_changed', 'sessions.address_changed'],
  },
  {
    name: '9 within the window',
    family: justRotated(15_000),
    context: contextOf({ generation: 4 }),
    expected: ['reissue'],
    policy: WINDOW,
  },
  {
    name: '9 after the window',
    family: justRotated(15_001),
    context: contextOf({ generation: 4 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 the clock of the rotating replica was ahead, within the skew',
    family: justRotated(-5_000),
    context: contextOf({ generation: 4 }),
    expected: ['reissue'],
    policy: WINDOW,
  },
  {
    name: '9 the clock of the rotating replica was ahead by more than the skew',
    family: justRotated(-5_001),
    context: contextOf({ generation: 4 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 within the window, another address',
    family: justRotated(0),
    context: contextOf({ generation: 4, client: AWAY }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 within the window, another agent',
    family: justRotated(0),
    context: contextOf({ generation: 4, client: OTHER_AGENT }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 within the window, after a step-up',
    family: { ...justRotated(0), authentication: { generation: 5 } },
    context: contextOf({ generation: 4 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 within the window, after a step-up of an earlier generation',
    family: { ...justRotated(0), authentication: { generation: 4 } },
    context: contextOf({ generation: 4 }),
    expected: ['reissue'],
    policy: WINDOW,
  },
  {
    name: '9 a step-up within the window',
    family: justRotated(0),
    context: contextOf({ generation: 4, operation: 'step_up' }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
    policy: WINDOW,
  },
  {
    name: '9 a step-up again, by its key',
    family: { ...family(), authentication: { generation: 5 } },
    context: contextOf({ generation: 4, key: KEY, operation: 'step_up' }),
    expected: ['reissue'],
  },
  {
    name: '9 without a window, immediately after the rotation',
    family: justRotated(0),
    context: contextOf({ generation: 4 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '10 an earlier generation',
    family: family(),
    context: contextOf({ generation: 3 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '10 the current generation, another hash',
    family: family(),
    context: contextOf({ hash: 'x' }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '10 a later generation minted before the last rotation',
    family: family(),
    context: contextOf({ generation: 6, iat: Math.floor((NOW - 65_000) / 1000) - 1 }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '10 is checked before rows 11 and 12',
    family: family({ onAddressChange: 'block', onUserAgentChange: 'block' }),
    context: contextOf({ generation: 3, client: { ...AWAY, userAgent: 'curl' } }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
  {
    name: '11 another product, which the policy blocks',
    family: familyThatBlocks('onUserAgentChange'),
    context: contextOf({ client: OTHER_AGENT }),
    expected: ['revoke user_agent_changed', 'sessions.revoked'],
  },
  {
    name: '11 another version only',
    family: familyThatBlocks('onUserAgentChange'),
    context: contextOf({ client: { ...HOME, userAgent: 'Browser/2' } }),
    expected: ['rotate'],
  },
  {
    name: '11 another version only, separated by a space',
    family: family({ onUserAgentChange: 'block', userAgent: 'Mozilla/5.0 (iPhone) Instagram 312.0' }),
    context: contextOf({ client: { ...HOME, userAgent: 'Mozilla/5.0 (iPhone) Instagram 313.0' } }),
    expected: ['rotate'],
  },
  {
    name: '11 the row stores the user agent undecoded',
    family: family({ onUserAgentChange: 'block', userAgent: 'Caf\u00c3\u00a9/1' }),
    context: contextOf({ client: { ...HOME, userAgent: 'Caf\u00e9/2' } }),
    expected: ['rotate'],
  },
  ...(
    [
      {
        name: 'one product in both',
        row: { userAgent: LONG, productHash: 'hash-a' },
        client: { userAgent: LONG, productHash: 'hash-a' },
        isSame: true,
      },
      {
        name: 'the cut falls inside a product',
        row: { userAgent: LONG, productHash: 'hash-a' },
        client: { userAgent: OTHER_CUT, productHash: 'hash-a' },
        isSame: true,
      },
      {
        name: 'another product behind the cut',
        row: { userAgent: LONG, productHash: 'hash-a' },
        client: { userAgent: LONG, productHash: 'hash-b' },
        isSame: false,
      },
      {
        name: 'the agent grows past the cut',
        row: { userAgent: 'Browser/1', productHash: 'hash-a' },
        client: { userAgent: LONG, productHash: 'hash-a' },
        isSame: true,
      },
      {
        name: 'the agent becomes shorter than the cut',
        row: { userAgent: LONG, productHash: 'hash-a' },
        client: { userAgent: 'Browser/1', productHash: 'hash-b' },
        isSame: false,
      },
      {
        name: 'an older row, one product up to the cut',
        row: { userAgent: LONG, productHash: null },
        client: { userAgent: LONG, productHash: 'hash-a' },
        isSame: true,
      },
      {
        name: 'an older row, another product up to the cut',
        row: { userAgent: LONG, productHash: null },
        client: { userAgent: OTHER_CUT, productHash: 'hash-a' },
        isSame: false,
      },
      {
        name: 'stored whole, a hash by an older rule',
        row: { userAgent: 'Browser/1', productHash: 'hash-old' },
        client: { userAgent: 'Browser/2', productHash: 'hash-a' },
        isSame: true,
      },
    ] as const
  ).map(({ name, row, client, isSame }): (typeof rows)[number] => ({
    name: `11 ${name}`,
    family: family({ onUserAgentChange: 'block', ...row }),
    context: contextOf({ client: { ...HOME, ...client } }),
    expected: isSame ? ['rotate'] : ['revoke user_agent_changed', 'sessions.revoked'],
  })),
  {
    name: '11 is checked before row 12',
    family: family({ onAddressChange: 'block', onUserAgentChange: 'block' }),
    context: contextOf({ client: { ...AWAY, userAgent: 'curl' } }),
    expected: ['revoke user_agent_changed', 'sessions.revoked'],
  },
  {
    name: '11 another product, which the policy reports',
    family: family({ onUserAgentChange: 'notify' }),
    context: contextOf({ client: OTHER_AGENT }),
    expected: ['rotate', 'sessions.user_agent_changed'],
  },
  {
    name: '12 another address, which the policy blocks',
    family: familyThatBlocks('onAddressChange'),
    context: contextOf({ client: AWAY }),
    expected: ['refuse address_changed', 'sessions.address_changed'],
  },
  { name: '13 the current token', family: family(), context: contextOf({}), expected: ['rotate'] },
  {
    name: '13 another Idempotency-Key',
    family: family(),
    context: contextOf({ key: 'x' }),
    expected: ['rotate'],
  },
  {
    name: '13 the Idempotency-Key of the last rotation',
    family: family(),
    context: contextOf({ key: KEY }),
    expected: ['refuse idempotency_key_reused'],
  },
  {
    name: '13 another network, which the policy reports',
    family: family(),
    context: contextOf({ client: AWAY }),
    expected: ['rotate', 'sessions.address_changed'],
  },
  {
    name: '13 another network, which the policy ignores',
    family: family({ onAddressChange: 'ignore' }),
    context: contextOf({ client: AWAY }),
    expected: ['rotate'],
  },
  {
    name: '14 a later token, minted after the last rotation',
    family: family(),
    context: contextOf({ generation: 9 }),
    expected: ['rotate', 'sessions.healed'],
  },
  {
    name: '14 a later token, minted before the last rotation, but within the skew',
    family: family(),
    context: contextOf({ generation: 6, iat: Math.floor((NOW - 65_000) / 1000) }),
    expected: ['rotate', 'sessions.healed'],
  },
  {
    name: '8 (checked after it) the process remembers a revocation that the database has lost',
    family: family(),
    context: contextOf({ generation: 9, knownRevocation: 'logout' }),
    expected: ['revoke session_revoked', 'sessions.revoked'],
  },
  {
    name: '8 (checked after it) the process remembers a revocation for reuse that the database has lost',
    family: family(),
    context: contextOf({ generation: 9, knownRevocation: 'reuse' }),
    expected: ['revoke token_reused', 'sessions.revoked'],
  },
];

const CONFIDENTIAL = family({ confidential: true });
const named = { id: 'app', isAuthenticated: false };
const authenticated = { id: 'app', isAuthenticated: true };
const another = { id: 'other', isAuthenticated: true };
const ended = family({ confidential: true, revoked: { at: NOW, reason: 'logout' } });

rows.push(
  {
    name: 'the client that the session was opened for may refresh it',
    family: family(),
    context: contextOf({ oauthClient: named }),
    expected: ['rotate'],
  },
  {
    name: 'another client may not refresh',
    family: family(),
    context: contextOf({ oauthClient: another }),
    expected: ['refuse invalid_token'],
  },
  {
    name: 'confidential: its client may refresh',
    family: CONFIDENTIAL,
    context: contextOf({ oauthClient: authenticated }),
    expected: ['rotate'],
  },
  {
    name: 'confidential: without a client',
    family: CONFIDENTIAL,
    context: contextOf({}),
    expected: ['refuse unauthenticated'],
  },
  {
    name: 'confidential: unauthenticated',
    family: CONFIDENTIAL,
    context: contextOf({ oauthClient: named }),
    expected: ['refuse unauthenticated'],
  },
  {
    name: 'confidential: another client',
    family: CONFIDENTIAL,
    context: contextOf({ oauthClient: another }),
    expected: ['refuse invalid_token'],
  },
  {
    name: 'confidential: reuse, no client',
    family: CONFIDENTIAL,
    context: contextOf({ generation: 3 }),
    expected: ['refuse unauthenticated'],
  },
  {
    name: 'confidential: no client, revoked before',
    family: ended,
    context: contextOf({}),
    expected: ['refuse unauthenticated'],
  },
  {
    name: 'confidential: reuse by its client',
    family: CONFIDENTIAL,
    context: contextOf({ generation: 3, oauthClient: authenticated }),
    expected: ['revoke token_reused', 'sessions.reuse_detected'],
  },
);

for (const { name, family, context, expected, policy } of rows) {
  const title = /^\d/.test(name) ? `row ${name}` : name;
  t.test(`${title}: ${expected.join(', ')}`, async (t) => {
    t.same(verdict(family, context, policy), expected);
  });
}

t.test('a retry from a new network is reported, and a retry from a known network is not', async (t) => {
  const row = family({ address: AWAY.address });
  const retry = (address: string, mintedAt: string) => {
    const context = contextOf({ generation: 4, key: KEY, client: { ...HOME, address } });
    return { ...context, claims: { ...context.claims, userIp: mintedAt } };
  };
  t.same(verdict(row, retry(AWAY.address, HOME.address)), ['reissue'], 'from the network of its rotation');
  t.same(verdict(row, retry(HOME.address, HOME.address)), ['reissue'], 'from the network of its issue');
  t.same(verdict(row, retry('192.0.2.1', HOME.address)), ['reissue', 'sessions.address_changed']);
});

t.test('a retry by another product revokes the family if its policy blocks that', async (t) => {
  const retry = (userAgent: string) => contextOf({ generation: 4, key: KEY, client: { ...HOME, userAgent } });
  const expected = ['revoke user_agent_changed', 'sessions.revoked'];
  t.same(verdict(familyThatBlocks('onUserAgentChange'), retry('curl/8.1')), expected);
  t.same(
    verdict(familyThatBlocks('onUserAgentChange'), retry(HOME.userAgent)),
    ['reissue'],
    'the same product',
  );
  t.same(verdict(family(), retry('curl/8.1')), ['reissue'], 'the policy ignores another product');
});

const NOTICE = 'sessions.address_changed';
const networks: [minted: string, presenting: string, isSame: boolean][] = [
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', true],
  ['2001:db8:0:1::1', '2001:0DB8:0000:0001:0:0:0:1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['203.0.113.1', '203.0.113.2', false],
  ['::1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', true],
  ['127.0.0.1', '::2', false],
];

for (const [minted, address, isSame] of networks) {
  t.test(`${address} ${isSame ? 'shares' : 'does not share'} the network of ${minted}`, async (t) => {
    const judgeWith = (onAddressChange: ChangePolicy, values: Presented, policy?: VerdictPolicy) => {
      const row = family({ address: minted, onAddressChange, rotatedAt: NOW });
      const context = contextOf({ ...values, client: { ...HOME, address } });
      return verdict(row, { ...context, claims: { ...context.claims, userIp: minted } }, policy);
    };
    const retry = { generation: 4, key: KEY };
    const refused = ['refuse address_changed', NOTICE];
    const reuse = ['revoke token_reused', 'sessions.reuse_detected'];
    t.same(judgeWith('notify', {}), isSame ? ['rotate'] : ['rotate', NOTICE], 'row 13');
    t.same(judgeWith('block', {}), isSame ? ['rotate'] : refused, 'row 12');
    t.same(judgeWith('block', retry), isSame ? ['reissue'] : refused, 'row 9 with the key');
    t.same(
      judgeWith('block', { generation: 4 }, WINDOW),
      isSame ? ['reissue'] : reuse,
      'row 9 in the window',
    );
  });
}
