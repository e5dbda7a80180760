/**
 * Runs both compose files for real, on whatever Docker it finds, from a copy of the project:
 *
 *   npm run test:compose            both
 *   npm run test:compose -- dev     one of them
 *
 * Needs Docker with Compose v2 and the ports 3000, 5432 and 8025 on loopback.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SERVICE = 'http://127.0.0.1:3000';
const MAILS = 'http://127.0.0.1:8025/api/v1/messages';
const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

const MAIL_CATCHER = `
services:
  mailpit:
    image: axllent/mailpit:latest
    networks: [inside, outside]
    ports: ["127.0.0.1:8025:8025"]
`;

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

type Compose = (...args: string[]) => void;

const suites: Record<string, (folder: string) => Promise<void>> = { dev, prod };
const chosen = process.argv.slice(2);
for (const [name, suite] of Object.entries(suites)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const folder = copyOfProject();
  try {
    await suite(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function dev(folder: string): Promise<void> {
  await withCompose(folder, ['-f', 'compose.dev.yml'], {}, async () => {
    await theftIsNoticed({});
    say('dev: login, refresh, replay, a mail');

    const source = join(folder, 'src/adapters/http/server/exits.ts');
    const edited = readFileSync(source, 'utf8').replace(
      'There is no such route.',
      'There is no such route, still.',
    );
    writeFileSync(source, edited);
    await until('the edited source answers', async () => {
      const { body } = await send('GET', '/no-such-route', {});
      return body.detail === 'There is no such route, still.';
    });
    say('dev: an edited source file answers anew');
  });
}

async function prod(folder: string): Promise<void> {
  execFileSync('npm', ['run', '--silent', 'secrets', '--', '--write', join(folder, 'secrets')], {
    stdio: 'inherit',
  });
  const mailCatcher = join(folder, 'compose.mail.yml');
  writeFileSync(mailCatcher, MAIL_CATCHER);
  const environment = {
    SECRETS_DIR: './secrets',
    PUBLIC_URL: 'https://auth.example.com',
    SMTP_SERVER: 'mailpit',
    SMTP_PORT: '1025',
    SMTP_FROM: 'auth@example.com',
    SMTP_RECEIVER: 'operator@example.com',
  };
  const files = ['-f', 'compose.prod.yml', '-f', mailCatcher];
  const [key = ''] = readFileSync(join(folder, 'secrets/service_api_keys'), 'utf8').trim().split(',');
  const headers = { 'x-api-key': key.split(':').slice(2).join(':') };

  await withCompose(folder, files, environment, async (compose) => {
    assert.equal(
      (await send('POST', `/auth/login?userId=${USER}`, {})).status,
      401,
      'a service key is needed',
    );
    await theftIsNoticed(headers);
    say('prod: login, refresh, replay, a mail');

    const pair = await logIn(headers);
    await stopUnderLoad(compose, headers);
    compose('up', '--detach', '--wait');
    const next = await refresh(pair);
    assert.equal(next.status, 200, 'the session outlived the stop');

    compose('down');
    compose('up', '--detach', '--wait');
    assert.equal(
      (await refresh(next.body as unknown as Pair)).status,
      200,
      'the session outlived down and up',
    );
    say('prod: data outlives down and up');
  });
}

/** SIGTERM while clients are at it: whatever was accepted gets its answer. */
async function stopUnderLoad(compose: Compose, headers: Record<string, string>): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const counts = { answered: 0, failed: 0 };
  let stopping = false;
  const client = async () => {
    for (;;) {
      const answer = await send('POST', `/auth/login?userId=${USER}`, headers, agent).catch(
        (error) => error.code,
      );
      if (typeof answer === 'string') {
        // A connection that was never accepted is no accepted request.
        if (stopping && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(answer)) return;
        counts.failed += 1;
        return;
      }
      if (answer.status === 200) counts.answered += 1;
      else counts.failed += 1;
    }
  };
  const clients = Array.from({ length: 16 }, client);
  await sleep(2_000);
  stopping = true;
  compose('kill', '--signal', 'TERM', 'app');
  await Promise.all(clients);
  await until('the service ended with exit code 0', async () => {
    const state = execFileSync('docker', [
      'inspect',
      '--format',
      '{{.State.Status}} {{.State.ExitCode}}',
      'kinship-app-1',
    ]);
    return state.toString().trim() === 'exited 0';
  });
  agent.destroy();
  assert.equal(counts.failed, 0, 'no accepted request failed');
  say(`prod: SIGTERM under load, ${counts.answered} answered, ${counts.failed} failed`);
}

async function theftIsNoticed(headers: Record<string, string>): Promise<void> {
  const first = await logIn(headers);
  const second = await refresh(first);
  assert.equal(second.status, 200);
  const replay = await refresh(first);
  assert.deepEqual([replay.status, replay.body.code], [401, 'token_reused']);
  const victim = await refresh(second.body as unknown as Pair);
  assert.deepEqual([victim.status, victim.body.code], [401, 'session_revoked']);
  await until('the mail is there', async () => {
    const { total } = (await (await fetch(MAILS)).json()) as { total: number };
    return total >= 1;
  });
}

async function logIn(headers: Record<string, string>): Promise<Pair> {
  const { status, body } = await send('POST', `/auth/login?userId=${USER}&email=ann@example.com`, headers);
  assert.equal(status, 200, JSON.stringify(body));
  return body as unknown as Pair;
}

function refresh({ refresh, access }: Pair): Promise<Answer> {
  return send('POST', `/auth/refresh?refreshToken=${refresh}&accessToken=${access}`, {});
}

function send(method: string, path: string, headers: Record<string, string>, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: agent ?? false };
    const sent = request(new URL(path, SERVICE), options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      response.on('error', reject);
    });
    sent.on('error', reject).end();
  });
}

/** Starts the project, and whatever happens takes it down again, volumes and all. */
async function withCompose(
  folder: string,
  files: string[],
  environment: Record<string, string>,
  work: (compose: Compose) => Promise<void>,
): Promise<void> {
  const compose: Compose = (...args) => {
    const env = { ...process.env, ...environment };
    execFileSync('docker', ['compose', '--env-file', '/dev/null', ...files, ...args], {
      cwd: folder,
      env,
      stdio: 'inherit',
    });
  };
  try {
    compose('up', '--build', '--detach', '--wait');
    await work(compose);
  } catch (error) {
    compose('logs', '--tail', '20');
    throw error;
  } finally {
    compose('down', '--volumes', '--remove-orphans');
  }
}

/** What git knows of the project, as it lies here. */
function copyOfProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-compose-'));
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    encoding: 'utf8',
  });
  for (const name of names.split('\0').filter((one) => one !== '')) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(name, join(folder, name));
  }
  return folder;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    if (await holds().catch(() => false)) return;
    await sleep(500);
  }
  throw new Error(`Waited a minute in vain: ${what}.`);
}

function say(line: string): void {
  process.stdout.write(`ok - ${line}\n`);
}
