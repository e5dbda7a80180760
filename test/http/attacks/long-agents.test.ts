import { databaseTest, serviceOnDatabase } from '../../support/service-on-database.ts';

/** User agents of more than 300 characters. A row stores the first 300, so it lacks the products at the end. */
const agent = (version: string, last = 'Extension') =>
  `Browser/${version} (${'x'.repeat(280)}) Exten${'sion'.repeat(4)}/1.0 ${last}/1.0`;
const from = (userAgent: string) => ({ 'user-agent': userAgent });
const policy = { onUserAgentChange: 'block' } as const;

databaseTest('a long user agent whose version changes keeps its session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy });
  let pair = await service.open({ headers: from(agent('9.9')) });
  for (const version of ['10.0', '10.0.1234567', '9', '11.0'])
    pair = await service.next(pair, from(agent(version)));
  const [row] = await sql`select generation, length(user_agent) as length, length(product_hash) as hash
    from token_families`;
  t.same(row, { generation: 4, length: 300, hash: 16 });
});

databaseTest('another product after the first 300 characters ends the session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy });
  const { refreshToken, accessToken } = await service.open({ headers: from(agent('9.9')) });
  const answer = await service.post(
    '/auth/refresh',
    { refreshToken, accessToken },
    from(agent('9.9', 'Other')),
  );
  t.match(answer, { status: 401, body: { code: 'user_agent_changed' } });
});

databaseTest('a row of an older release is compared by its stored part', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy });
  const forget = () => sql`update token_families set product_hash = null`;
  let pair = await service.open({ headers: from(agent('9.9')) });
  await forget();
  pair = await service.next(pair, from(agent('9.9', 'Other')));
  t.match((await sql`select length(product_hash) as hash from token_families`)[0], { hash: 16 });
  pair = await service.next(pair, from(agent('10.9', 'Other')));
  await forget();
  const { refreshToken, accessToken } = pair;
  const answer = await service.post('/auth/refresh', { refreshToken, accessToken }, from('curl/8'));
  t.match(answer, { status: 401, body: { code: 'user_agent_changed' } });
});

databaseTest('events and session lists do not contain the hash of the products', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { onUserAgentChange: 'notify' } });
  const pair = await service.open({ headers: from(agent('9.9')) });
  const { accessToken } = await service.next(pair, from('curl/8'));
  const outbox = await sql`select type, data from outbox`;
  t.ok(outbox.some(({ type }) => type === 'sessions.user_agent_changed'));
  t.notMatch(JSON.stringify(outbox), /product_?hash/i);
  const [row] = await sql`select encode(product_hash, 'hex') as hash from token_families`;
  t.match(row, { hash: /^[0-9a-f]{32}$/ });
  const authorization = `Bearer ${accessToken}`;
  const { status, body } = await service.send('/auth/sessions', { headers: { authorization } });
  t.equal(status, 200);
  t.notMatch(JSON.stringify(body), new RegExp(`product_?hash|${row?.hash}`, 'i'));
});
