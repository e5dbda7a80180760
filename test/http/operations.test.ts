import t from 'tap';
import { startHttpService } from '../support/http.ts';

t.test('health routes report the state of each dependency', async (t) => {
  let down = false;
  const database = async () => {
    if (down) throw new Error('connection refused to 10.0.0.1');
  };
  const { send, lines } = await startHttpService(t, { http: { checks: { database } } });
  t.match(await send('/health/live'), { status: 200, body: { status: 'up' } });
  t.match(await send('/health/ready'), {
    status: 200,
    body: { status: 'up', dependencies: { database: 'up' } },
  });
  down = true;
  const { status, headers, body } = await send('/health/ready');
  t.match({ status, body }, { status: 503, body: { status: 'down', dependencies: { database: 'down' } } });
  t.equal(headers.get('retry-after'), '1');
  t.notMatch(JSON.stringify(body), '10.0.0.1');
  t.ok(lines.some((line) => line.includes('connection refused')));
  t.equal((await send('/health/live')).status, 200, 'the service is still alive');
});

t.test('probes are answered in time while a dependency hangs, and share one check', async (t) => {
  let checks = 0;
  let answer = () => {};
  const database = () => {
    checks += 1;
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  };
  const { send } = await startHttpService(t, { http: { checks: { database } } });
  const probe = () => send('/health/ready');
  const answers = await Promise.all(Array.from({ length: 20 }, probe));
  answers.push(await probe());
  t.ok(answers.every(({ status }) => status === 503));
  t.equal(checks, 1);
  answer();
  await new Promise(setImmediate);
  const last = probe();
  while (checks < 2) await new Promise(setImmediate);
  answer();
  t.match(await last, { status: 200, body: { dependencies: { database: 'up' } } });
});

t.test('the OpenAPI document is served as JSON and as a page', async (t) => {
  const { send, url } = await startHttpService(t);
  const { status, body } = await send('/docs/json');
  t.equal(status, 200);
  t.equal(body.openapi, '3.1.0');
  const paths = body.paths as Record<string, Record<string, { responses: object }>>;
  t.same(Object.keys(paths['/auth/refresh']?.post?.responses ?? {}), [
    '200',
    '400',
    '401',
    '403',
    '422',
    '503',
    '4XX',
    '5XX',
  ]);
  const page = await fetch(`${url}/docs`);
  t.match(page.headers.get('content-type'), /^text\/html/);
  t.match(await page.text(), /swagger/i);
});

t.test('the documentation serves its own files, and no others', async (t) => {
  const { send, url } = await startHttpService(t);
  const style = await fetch(`${url}/docs/static/swagger-ui.css`);
  t.match(style.headers.get('content-type'), /^text\/css/);
  t.ok((await style.arrayBuffer()).byteLength > 10_000);
  for (const path of ['/docs/static/none.js', '/docs/static/%2e%2e/package.json', '/docs/none', '/docsx']) {
    t.match(await send(path), { status: 404, body: { code: 'not_found' } }, path);
  }
});

t.test('a successful health probe logs no line at the level info, and a failed one does', async (t) => {
  let isUp = true;
  const database = async () => {
    if (!isUp) throw new Error('no database');
  };
  const { send, lines } = await startHttpService(t, { http: { checks: { database } } });
  const INFO = 30;
  const answered = () =>
    lines.map((line) => JSON.parse(line)).filter(({ level, msg }) => level === INFO && msg === 'answered');
  await send('/health/live');
  await send('/health/ready');
  t.same(answered(), []);
  isUp = false;
  await send('/health/ready');
  t.match(answered(), [{ route: '/health/ready', status: 503 }]);
});

t.test('each request logs one line without its query', async (t) => {
  const { post, lines } = await startHttpService(t);
  await post('/auth/refresh?refreshToken=canary');
  const answered = lines.filter((line) => line.includes('"answered"')).map((line) => JSON.parse(line));
  t.equal(answered.length, 1);
  t.match(answered, [{ method: 'POST', route: '/auth/refresh', status: 400 }]);
  t.notMatch(lines.join(''), 'canary');
});
