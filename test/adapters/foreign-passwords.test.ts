import t from 'tap';
import { argon2Hashes, importedArgon2Hashes } from '../../src/adapters/argon2/argon2-hashes.ts';
import { foreignPasswords } from '../../src/adapters/foreign-passwords/foreign-passwords.ts';
import { passwordHasher } from '../support/passwords.ts';

const verifiers = [argon2Hashes, ...foreignPasswords];
const kindOf = (hash: string) =>
  verifiers.map((verifier) => verifier.kindOf(hash)).find((kind) => kind !== null) ?? null;

const FIREBASE =
  '$firebase-scrypt$ln=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$';

/** Hashes with their passwords. Most come from the documents and tests of each system. */
const VECTORS = [
  // crypt_blowfish, wrapper.c
  ['bcrypt-5', 'U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['bcrypt-5', 'U*U*', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['bcrypt-5', 'U*U', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  // Django, test_hashers.py
  [
    'pbkdf2-sha256-10000-32',
    'lètmein',
    'pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY=',
  ],
  // passlib, documentation of pbkdf2_sha256 and scrypt
  [
    'pbkdf2-sha256-6400-32',
    'password',
    '$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M',
  ],
  [
    'pbkdf2-sha256-6400-32',
    'password',
    '$pbkdf2-sha256$i=6400,l=32$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M',
  ],
  [
    'scrypt-16-8-1',
    'password',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ],
  // PBKDF2 as Keycloak stores it: 64 bytes, which is more than one output of SHA-256. Made with hashlib of Python.
  [
    'pbkdf2-sha256-27500-64',
    'keycloak secret',
    '$pbkdf2-sha256$i=27500$MDEyMzQ1Njc4OWFiY2RlZg==$4W6oL9qieeTs3YCkCjwomWR/XFVm4rLkyDTa5CjuzS/5eRV+Pzwsn0cWz5DRptcp4FMYvVbPtiJUI7du1V81eQ==',
  ],
  [
    'pbkdf2-sha512-21000-64',
    'keycloak secret',
    '$pbkdf2-sha512$i=21000$MDEyMzQ1Njc4OWFiY2RlZg==$feGRdazOJvYnjBDGMfjwF4Hc4dGaefl1uZqrNGxFGgIiAxGNIjAfFyDNhTnZgZMdH4+mPOJQzRVNl13DgzOSPg==',
  ],
  // firebase/scrypt, README.md
  [
    'firebase-scrypt-14-8-1',
    'user1password',
    `${FIREBASE}lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==`,
  ],
  // The reference implementation of argon2, test.c
  [
    'argon2i-19-65536-2-1',
    'password',
    '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA',
  ],
  [
    'argon2i-16-65536-2-1',
    'password',
    '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ',
  ],
  [
    'argon2id-19-65536-2-1',
    'password',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
] as const;

for (const [kind, password, hash] of VECTORS) {
  t.test(`${hash.slice(0, 40)} is of the kind ${kind}, and only its password matches`, async (t) => {
    const hasher = passwordHasher();
    t.equal(kindOf(hash), kind);
    t.equal(await hasher.verify(hash, password, ''), true);
    t.equal(await hasher.verify(hash, `${password}x`, ''), false);
    t.equal(await hasher.verify(hash, '', ''), false);
    t.equal(hasher.isOutdated(hash), true);
  });
}

t.test('argon2d is verified', async (t) => {
  const hash = '$argon2d$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$';
  const { hash: make, argon2d } = await import('argon2');
  const made = await make('password', { type: argon2d, memoryCost: 1024, timeCost: 2, parallelism: 1 });
  t.ok(made.startsWith(hash.slice(0, 28)));
  t.equal(await passwordHasher().verify(made, 'password', ''), true);
  t.equal(passwordHasher().isOutdated(made), true, 'although its parameters are those of new hashes');
});

t.test('text that is no hash of a known kind matches no password', async (t) => {
  const hasher = passwordHasher();
  const long = 'A'.repeat(43);
  const faulty = [
    '',
    'none',
    'password',
    '!unusable',
    '$',
    '$$$$',
    '$2a$05$short',
    '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    `pbkdf2_sha256$0$salt$${long}`,
    `pbkdf2_sha256$99999999$salt$${long}`,
    `$pbkdf2-sha1$i=2500001$c2FsdA$${long}`,
    `$pbkdf2-sha512$i=2500001$c2FsdA$${'A'.repeat(90)}`,
    `pbkdf2_sha256$1250001$salt$${'A'.repeat(171)}`,
    `pbkdf2_sha256$1000$$${long}`,
    'pbkdf2_sha256$1000$salt$short',
    `pbkdf2_sha1$1000$salt$${long}`,
    `$pbkdf2-md5$i=1000$c2FsdA$${long}`,
    `$constructor$i=1000$c2FsdA$${long}`,
    `$pbkdf2-sha256$i=-1$c2FsdA$${long}`,
    `$pbkdf2-sha256$i=1e3$c2FsdA$${long}`,
    `$scrypt$ln=30,r=8,p=1$c2FsdA$${long}`,
    `$scrypt$ln=18,r=8,p=64$c2FsdA$${long}`,
    `$scrypt$ln=14,r=8$c2FsdA$${long}`,
    `$scrypt$ln=16,r=1,p=1$c2FsdA$${long}`,
    `$scrypt$ln=14,r=8,p=1$c2!sdA$${long}`,
    `$firebase-scrypt$ln=14,r=8,p=1,ss=Bw==,sk=AAAA$c2FsdA$${long}`,
    `${FIREBASE}${long}`,
    `$argon2i$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$${long}`,
    `$argon2i$v=19$m=1024,t=0,p=1$c29tZXNhbHQ$${long}`,
    `$argon2x$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$${long}`,
  ];
  for (const hash of faulty) {
    t.equal(kindOf(hash), null, hash);
    t.equal(await hasher.verify(hash, 'password', ''), false, hash);
  }
});

t.test(
  'an import refuses a hash if the product of its memory and its passes is above the limit, and a login does not',
  (t) => {
    const hashOf = (cost: string) => `$argon2id$v=19$${cost}$c29tZXNhbHQ$${'A'.repeat(43)}`;
    for (const cost of ['m=2097152,t=1,p=4', 'm=65536,t=3,p=4', 'm=32768,t=64,p=1'])
      t.ok(importedArgon2Hashes.kindOf(hashOf(cost)), cost);
    for (const cost of ['m=1048576,t=9,p=1', 'm=2097153,t=1,p=1', 'm=4194304,t=64,p=64']) {
      t.equal(importedArgon2Hashes.kindOf(hashOf(cost)), null, cost);
      t.ok(argon2Hashes.kindOf(hashOf(cost)), cost);
    }
    t.end();
  },
);

t.test('a password is verified both unchanged and in normalized form', async (t) => {
  const hasher = passwordHasher();
  const { hash } = await import('@node-rs/bcrypt');
  const [composed, decomposed] = ['pi\u00e8ce d\u2019eau', 'pie\u0300ce d\u2019eau'];
  const ofDecomposed = await hash(decomposed, 4);
  t.equal(await hasher.verify(ofDecomposed, decomposed, ''), true);
  t.equal(await hasher.verify(ofDecomposed, composed, ''), false, 'the other form has other bytes');
  t.equal(await hasher.verify(await hash(composed, 4), decomposed, ''), true);
  const own = await hasher.hash(decomposed, '');
  t.equal(await hasher.verify(own, composed, ''), true);
  t.equal(await hasher.verify(own, decomposed, ''), true);
});

t.test('bcrypt uses 72 bytes of a password, and the hash that replaces it uses all bytes', async (t) => {
  const hasher = passwordHasher();
  const { hash } = await import('@node-rs/bcrypt');
  const long = 'x'.repeat(72);
  const bcrypt = await hash(`${long} and more`, 4);
  t.equal(await hasher.verify(bcrypt, `${long} or less`, ''), true);
  const own = await hasher.hash(`${long} or less`, '');
  t.equal(await hasher.verify(own, `${long} or less`, ''), true);
  t.equal(await hasher.verify(own, `${long} and more`, ''), false);
});
