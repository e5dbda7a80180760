/** Values for the examples of schemas, for documentation only. */
export const examples = {
  account: { username: 'ann', email: 'ann@example.com' },
  password: 'a violet piano 42',
  newPassword: 'a yellow piano 43',
  // Tokens are shortened, so that no example can be mistaken for a real token.
  access: 'eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCIs…',
  refresh: 'eyJhbGciOiJIUzUxMiIsInR5cCI6InJ0K2p3dCIs…',
  hash: 'kUx8JpTzv0y4…',
  user: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11',
  session: 'bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9',
  challenge: 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwi…',
  factor: '2f0c9a41-7d0e-4b8c-9a55-1d1f5a0c7e33',
  request: '58d83f6c-2927-427d-8c5b-456c6e2682ad',
  authentication: { auth_time: 1767323045, amr: ['pwd'], acr: 'aal1' },
  time: '2026-01-02T03:04:05.678Z',
} as const;
