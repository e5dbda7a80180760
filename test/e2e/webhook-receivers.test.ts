import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createWebhookSignatures } from '../../src/adapters/secrets/webhook-signatures.ts';
import { createWebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import { cloudEventFormat } from '../../src/app/webhooks/formats/cloud-event.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { freePort } from '../support/ports.ts';
import { skipFor } from '../support/skip.ts';
import { waitForValue } from '../support/wait-until.ts';

/** Tests the receivers in docs/webhooks.md, unchanged, with requests of the service. */

const PAGE = 'docs/webhooks.md';
const DAY = 86_400_000;

interface Program {
  readonly language: 'js' | 'go';
  readonly code: string;
}

/** The code block below the line that begins with this word. */
async function programOf(name: string): Promise<Program> {
  const text = await readFile(PAGE, 'utf8');
  const [, language = '', code = ''] =
    new RegExp(`^${name}[,:][^\`]*?\`\`\`(js|go)\\n(.*?)^\`\`\``, 'ms').exec(text) ?? [];
  if (language !== 'js' && language !== 'go') throw new Error(`${PAGE} has no receiver for ${name}`);
  return { language, code };
}

/** Starts the program. Resolves once it accepts connections. Returns its output so far. */
async function start(t: Test, { language, code }: Program, secret: string) {
  const folder = t.testdir();
  const port = String(await freePort());
  const file = join(folder, language === 'js' ? 'receiver.mjs' : 'main.go');
  await writeFile(file, code);
  const command = language === 'js' ? [process.execPath, file] : [buildGo(file, join(folder, 'receiver'))];
  if (language === 'js') await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env.PATH, PORT: port, WEBHOOK_SECRET: secret } });
  t.teardown(() => child.kill());
  const output = collect(child);
  await waitForValue('the receiver', () => accepts(Number(port)));
  return { url: `http://127.0.0.1:${port}/kinship`, output };
}

function buildGo(source: string, program: string): string {
  const env = { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off', GOPROXY: 'off' };
  const { status, stderr } = spawnSync('go', ['build', '-o', program, source], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`go build: ${stderr}`);
  return program;
}

function collect({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return () => text;
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });
}

/** A request as the service makes it, signed by these secrets, newest first. */
async function requestOf(userId: string, secrets: readonly string[], now = Date.now()) {
  const [secret = '', former] = secrets;
  const format = cloudEventFormat({ signatures: createWebhookSignatures(), source: 'kinship' });
  const event = { id: randomUUID(), type: 'sessions.revoked', occurredAt: now, data: { userId } };
  const credentials = {
    secret,
    ...(former !== undefined && { former: { secret: former, until: now + DAY } }),
  };
  const request = await format({ event, endpoint: someEndpoint(), credentials, trace: null, now });
  if (request === null) throw new Error('no request');
  return request;
}

for (const name of ['Express', 'Fastify', 'Go'])
  t.test(`the receiver for ${name} accepts only signed events`, async (t) => {
    if (name === 'Go' && spawnSync('go', ['version']).status !== 0) return skipFor(t, 'Go');
    const { makeSecret } = createWebhookSignatures();
    const [secret, newer, foreign] = [makeSecret(), makeSecret(), makeSecret()];
    const receiver = await start(t, await programOf(name), secret);
    const sender = createWebhookSender({ allowedNetworks: ['127.0.0.1'] });
    const send = async (request: Awaited<ReturnType<typeof requestOf>>) =>
      (await sender.send({ url: receiver.url, ...request })).status;
    const [userId, other] = [randomUUID(), randomUUID()];

    t.equal(await send(await requestOf(userId, [secret])), 204);
    await waitForValue(
      'the line about the event',
      async () => receiver.output().includes(userId) || undefined,
    );
    t.match(receiver.output(), 'sessions.revoked');
    t.equal(await send(await requestOf(userId, [newer, secret])), 204, 'while the secret is rotated');

    const good = await requestOf(other, [secret]);
    const refused = {
      'another secret': await requestOf(other, [foreign]),
      'an altered body': { ...good, body: good.body.replace('revoked', 'started') },
      'another id': { ...good, headers: { ...good.headers, 'webhook-id': randomUUID() } },
      'an old request': await requestOf(other, [secret], Date.now() - 10 * 60_000),
      'no signature': { ...good, headers: { ...good.headers, 'webhook-signature': '' } },
    };
    for (const [what, request] of Object.entries(refused)) t.ok((await send(request)) >= 400, what);
    t.notMatch(
      receiver.output(),
      new RegExp(`"userId":"${other}"|sessions\\.\\w+ ${other}`),
      'none is processed',
    );
  });
