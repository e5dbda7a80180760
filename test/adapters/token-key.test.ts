import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign, compactVerify } from 'jose';
import t from 'tap';
import { readCompact } from '../../src/adapters/jose/compact.ts';
import { createHmacKey } from '../../src/adapters/jose/token-key.ts';

/** Compares this project's own HS512 code with the library jose. */

const bytes = randomBytes(64);
const key = createHmacKey({ id: 'k1', bytes });
const other = createHmacKey({ id: 'k1', bytes: randomBytes(64) });

function makeToken(payload: string): string {
  const token = key.sign?.('rt+jwt', payload);
  if (typeof token !== 'string') throw new Error('HMAC signs at once');
  return token;
}

const isAcceptedByJose = (token: string) =>
  compactVerify(token, bytes, { algorithms: ['HS512'] }).then(
    () => true,
    () => false,
  );

const payloads = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));

t.test(
  'tokens equal the tokens of jose byte for byte, and each side verifies the tokens of the other',
  async (t) => {
    const property = fc.asyncProperty(payloads, async (payload) => {
      const token = makeToken(payload);
      const tokenOfJose = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'HS512', typ: 'rt+jwt', kid: 'k1' })
        .sign(bytes);
      return token === tokenOfJose && (await isAcceptedByJose(token)) && key.verify(tokenOfJose) === true;
    });
    await t.resolves(fc.assert(property, { numRuns: 200 }));
    t.match(readCompact(makeToken('{}')), {
      header: { alg: 'HS512', typ: 'rt+jwt', kid: 'k1' },
      payload: {},
    });
    t.equal(other.verify(makeToken('{}')), false, 'another key');
  },
);

t.test('a token is refused after any change of its text', async (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \u0000é';
  const token = makeToken(JSON.stringify({ sub: 'someone', jti: 'something' }));
  const edits = fc.record({
    at: fc.nat(token.length - 1),
    kind: fc.constantFrom('replace', 'insert', 'remove'),
    character: fc.constantFrom(...alphabet),
  });
  const property = fc.property(edits, ({ at, kind, character }) => {
    const rest = token.slice(kind === 'insert' ? at : at + 1);
    const altered = token.slice(0, at) + (kind === 'remove' ? '' : character) + rest;
    return altered === token || readCompact(altered) === null || key.verify(altered) === false;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5_000 }));
});

t.test('every other encoding of a segment is refused', async (t) => {
  const segments = makeToken(JSON.stringify({ sub: 'x' })).split('.');
  for (const [index, segment] of segments.entries()) {
    const withText = (text: string) => segments.with(index, text).join('.');
    for (const text of [`${segment}=`, `${segment}==`, ` ${segment}`, `${segment}\n`, `${segment}A`]) {
      t.notOk(readCompact(withText(text)) !== null && key.verify(withText(text)), JSON.stringify(text));
    }
    // Sets the unused bits of the last character. Buffer and other tolerant decoders ignore them.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const text = segment.slice(0, -1) + last;
      if (text === segment) continue;
      t.equal(readCompact(withText(text)) !== null && key.verify(withText(text)), false, text);
    }
  }
});
