import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigurationError, readConfig } from '../src/config.ts';

const URL = 'https://hooks.example.com/in';
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/**
 * Reads the configuration with this file of endpoints and with files of secrets. Returns the endpoints or the faults.
 */
async function read(t: Test, content: unknown) {
  const folder = t.testdir({
    'webhooks.json': typeof content === 'string' ? content : JSON.stringify(content),
    secret: `${SECRET}\n`,
    short: 'whsec_c2hvcnQ=',
    other: 'not-a-secret-of-a-webhook',
  });
  try {
    const file = join(folder, 'webhooks.json');
    return (await readConfig({ WEBHOOKS_FILE: file, DATA_DIR: join(folder, 'data') }, folder)).webhooks
      .declared;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.faults;
  }
}

t.test('endpoints of a file get their defaults, and the same id at every start', async (t) => {
  const entries = [
    { url: URL, types: ['*'], secretFile: 'secret' },
    {
      url: URL,
      types: ['sessions.revoked'],
      format: 'set',
      audience: 'app',
      enabled: false,
      contact: 'a@b.co',
    },
  ];
  const declared = await read(t, entries);
  const none = { enabled: true, contact: null, format: 'webhook', audience: null };
  t.match(declared, [
    { ...none, url: URL, types: ['*'], secret: SECRET, id: /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/ },
    { ...entries[1], secret: null },
  ]);
  t.same(await read(t, entries), declared);
  t.same((await read(t, entries.slice(1)))[0], declared[1], 'the place in the file does not matter');
});

const REFUSED: readonly (readonly [unknown, RegExp])[] = [
  ['{"url":', /no JSON/],
  [{ url: URL }, /^WEBHOOKS_FILE at \/: /],
  [[{ types: ['*'] }], /^WEBHOOKS_FILE at \/0\/url: /],
  [[{ url: URL, types: [] }], /^WEBHOOKS_FILE at \/0\/types: /],
  [[{ url: URL, types: ['*'], secret: SECRET }], /^WEBHOOKS_FILE at \/0\/secret: /],
  [[{ url: URL, types: ['*'], format: 'xml' }], /^WEBHOOKS_FILE at \/0\/format: /],
  [[{ url: URL, types: ['*'] }], /at \/0: secretFile is required/],
  [
    [{ url: URL, types: ['*'], format: 'set', audience: 'a', secretFile: 'secret' }],
    /at \/0: secretFile is required/,
  ],
  [[{ url: URL, types: ['*'], format: 'set' }], /at \/0: audience is required/],
  [[{ url: URL, types: ['*'], secretFile: 'secret', audience: 'a' }], /at \/0: audience is required/],
  [
    [{ url: URL, types: ['*'], secretFile: 'missing' }],
    /at \/0: secretFile .*\/missing cannot be read \(ENOENT\)\.$/,
  ],
  [[{ url: URL, types: ['*'], secretFile: 'short' }], /at \/0: secretFile must name a file with whsec_/],
  [[{ url: URL, types: ['*'], secretFile: 'other' }], /at \/0: secretFile must name a file with whsec_/],
  [Array(2).fill({ url: URL, types: ['*'], secretFile: 'secret' }), /names https:.* twice/],
];

for (const [content, fault] of REFUSED)
  t.test(
    `this file of endpoints is refused: ${JSON.stringify(content).slice(0, 90).replace(SECRET, 'whsec_…')}`,
    async (t) => {
      const faults = await read(t, content);
      t.match(faults[0], fault);
      t.notMatch(JSON.stringify(faults), /not-a-secret|c2hvcnQ/, 'no fault shows a secret');
      t.notOk(JSON.stringify(faults).includes(SECRET));
    },
  );
