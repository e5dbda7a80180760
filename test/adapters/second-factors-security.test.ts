import t from 'tap';
import { createChallengeSealer } from '../../src/adapters/jose/challenge-sealer.ts';
import { createDataSealer } from '../../src/adapters/jose/sealed-data.ts';
import { createTotp } from '../../src/adapters/otpauth/totp.ts';
import { createRecoveryCodes } from '../../src/adapters/secrets/recovery-codes.ts';
import { someKey } from '../support/sessions.ts';

const [older, newer] = [someKey('older'), someKey('newer')];

t.test('a sealed secret opens for its row only, under every configured key', async (t) => {
  const [before, after] = [createDataSealer([older]), createDataSealer([newer, older])];
  const sealed = await before.seal('row 1', 'a secret');
  t.notMatch(Buffer.from(sealed, 'base64url').toString('latin1'), 'a secret');
  t.equal(await after.open({ rowId: 'row 1', sealed }), 'a secret');
  t.equal(before.isSealedByNewest(sealed), true);
  t.equal(after.isSealedByNewest(sealed), false);
  const unavailable = { name: 'Refusal', code: 'unavailable' };
  await t.rejects(after.open({ rowId: 'row 2', sealed }), unavailable);
  await t.rejects(
    before.open({ rowId: 'row 1', sealed: await after.seal('row 1', 'a secret') }),
    unavailable,
  );
  await t.rejects(after.open({ rowId: 'row 1', sealed: `${sealed.slice(0, -4)}AAAA` }), unavailable);
  await t.rejects(after.open({ rowId: 'row 1', sealed: 'nonsense' }), unavailable);
});

t.test('a challenge that was changed, or made with another key, is refused', async (t) => {
  const [before, after] = [createChallengeSealer([older]), createChallengeSealer([newer, older])];
  const nonce = before.newNonce();
  const challenge = {
    purpose: 'second_step',
    nonce,
    userId: 'ann',
    securityVersion: 'v',
    paired: true,
    jkt: null,
    expiresAt: 5,
  } as const;
  const text = await before.seal(challenge);
  t.same(await after.open(text, 'second_step'), challenge);
  t.equal(
    await before.open(await after.seal(challenge), 'second_step'),
    null,
    'a key that is not configured',
  );
  for (let position = 0; position < text.length; position += 7) {
    const letter = text[position] === 'A' ? 'B' : 'A';
    const altered = text.slice(0, position) + letter + text.slice(position + 1);
    t.equal(await after.open(altered, 'second_step'), null, `altered at ${position}`);
  }
  for (const other of ['', 'x', 'a.b.c.d.e', await createDataSealer([older]).seal('1', text)])
    t.equal(await after.open(other, 'second_step'), null);
  for (const purpose of ['passkey_login', 'new_passkey'] as const)
    t.equal(await after.open(text, purpose), null, `not for ${purpose}`);
  t.not(before.newNonce(), nonce);
  t.match(before.hashNonce(nonce), /^[\w-]{43}$/);
  t.notMatch(before.hashNonce(nonce), nonce);
});

t.test('codes of RFC 6238 are accepted, with a drift of one time step', async (t) => {
  const totp = createTotp('Bank of Ann');
  // The codes of appendix B have eight digits. These are their last six.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ] as const) {
    const step = Math.floor(seconds / 30);
    t.equal(totp.stepOf(secret, code, seconds * 1_000), step);
    for (const drift of [-30, 30]) t.equal(totp.stepOf(secret, code, (seconds + drift) * 1_000), step);
    for (const drift of [-60, 60]) t.equal(totp.stepOf(secret, code, (seconds + drift) * 1_000), null);
  }
  for (const code of ['', '28708', '2870822', '000000', 'abcdef', ' 287082']) {
    t.equal(totp.stepOf(secret, code, 59_000), null, code);
  }
  t.match(totp.newSecret(), /^[A-Z2-7]{32}$/);
  t.not(totp.newSecret(), totp.newSecret());
  const uri = new URL(totp.uriOf(secret, 'ann@example.com'));
  t.equal(uri.protocol, 'otpauth:');
  t.match(decodeURIComponent(uri.pathname), /Bank of Ann:ann@example\.com$/);
  t.equal(uri.searchParams.get('secret'), secret);
});

t.test(
  'recovery codes do not repeat, and spaces, hyphens and upper case in them do not matter',
  async (t) => {
    const codes = createRecoveryCodes();
    const made = codes.make(1_000);
    t.equal(new Set(made).size, 1_000);
    for (const code of made) t.match(code, /^[0-9A-HJKMNP-TV-Z]{6}(-[0-9A-HJKMNP-TV-Z]{6}){3}$/);
    const hash = codes.hash('ann', 'A10BCD-EFGHJK-MNPQRS-TVWXYZ');
    for (const written of [
      'a10bcdefghjkmnpqrstvwxyz',
      'AIOBCD EFGHJK MNPQRS TVWXYZ',
      'alobcd-efghjk-mnpqrs-tvwxyz',
    ])
      t.equal(codes.hash('ann', written), hash, written);
    t.not(codes.hash('bob', 'A10BCD-EFGHJK-MNPQRS-TVWXYZ'), hash, 'each account has its own hashes');
    t.not(codes.hash('ann', 'A10BCD-EFGHJK-MNPQRS-TVWXY0'), hash);
  },
);
