import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REUSE_SUBJECT } from '../app/delivery/mails/render-mail.ts';
import { type Config, readConfig } from '../config.ts';
import { sleep } from '../lib/time.ts';
import { type Answer, createCaller, type Pair, requirePair } from './demo/caller.ts';

/** Milliseconds within which the service must write the mail to a file. */
const MAIL_DEADLINE = 10_000;

const SUBJECT_LINE = `Subject: ${REUSE_SUBJECT}`;

const NEEDS_PROOFS =
  'DPOP is required, and the demo sends no DPoP proofs. Set DPOP=optional, restart the service, and run the demo again.';

type Say = (line: string) => void;

/**
 * `kinship demo`: a victim and a thief with a copy of the victim's tokens use a running service. Each printed answer is
 * the service's own. Throws if an answer is not the expected one.
 */
export async function playTheft(options: { readonly url?: string; readonly email?: string }): Promise<void> {
  const config = await readConfig(process.env, process.cwd(), { createKeys: false });
  if (options.url === undefined && config.policy.dpop === 'required') throw new Error(NEEDS_PROOFS);
  const url = options.url ?? `http://localhost:${config.http.port}`;
  const say: Say = (line) => void process.stdout.write(`${line}\n`);
  const email = options.email ?? `demo-${randomBytes(4).toString('hex')}@example.invalid`;
  const folder =
    options.url === undefined && config.mail.kind === 'files' ? join(config.dataDir, 'mail') : null;
  const before = await listMails(folder);
  await playStory(url, email, say);
  say('');
  say(await describeMail(config.mail.kind, folder, before, options.email));
}

async function playStory(url: string, email: string, say: Say): Promise<void> {
  const victim = createCaller(url, 'Victim-Browser/1.0');
  const thief = createCaller(url, 'Thief-Script/1.0');
  const step = (title: string, answer: Answer) => say(`${title}\n   ${answer.request} -> ${answer.summary}`);

  const login = await logIn(victim, email, say);
  step('1. The victim logs in and gets a pair of tokens.', login);
  const stolen = requirePair(login);
  say('2. The thief copies this pair. The service cannot notice that.');

  const refreshed = await victim.refresh(stolen);
  step('3. The victim refreshes. The old pair is replaced by a new one.', refreshed);
  const current: Pair = requirePair(refreshed);

  const replay = await thief.refresh(stolen);
  step('4. The thief presents the copy, which was used before. The session ends.', replay);
  requireCode(replay, 'token_reused');

  const refused = await victim.refresh(current);
  step("5. The victim's next refresh fails too. The victim logs in again, the thief cannot.", refused);
  requireCode(refused, 'session_revoked');
}

/** Logs in by user id if the service allows that without a service key, otherwise with a new account. */
async function logIn(victim: ReturnType<typeof createCaller>, email: string, say: Say): Promise<Answer> {
  const query = new URLSearchParams({ userId: randomUUID(), email });
  const byId = await victim.post(`/auth/login?${query}`);
  requireNoProof(byId);
  if (byId.status !== 401 && byId.status !== 403) return byId;
  const account = {
    username: `demo-${randomBytes(4).toString('hex')}`,
    password: randomBytes(12).toString('hex'),
  };
  const registered = await victim.post('/auth/register', { ...account, email });
  if (registered.body.code === 'conflict')
    throw new Error(`${email} has an account already. Choose another address with --email.`);
  if (registered.status !== 201) return registered;
  say(
    `Login by user id requires a service key or is off. So the demo registered the account ${account.username}.\n`,
  );
  const login = await victim.post('/auth/login', account);
  requireNoProof(login);
  return login;
}

function requireNoProof({ body }: Answer): void {
  if (body.code === 'invalid_dpop_proof') throw new Error(NEEDS_PROOFS);
}

function requireCode(answer: Answer, code: string): void {
  if (answer.body.code !== code)
    throw new Error(`The service should have answered ${code}: ${answer.summary}`);
}

async function describeMail(
  kind: Config['mail']['kind'],
  folder: string | null,
  before: readonly string[],
  email: string | undefined,
): Promise<string> {
  if (folder !== null) {
    const file = await waitForMail(folder, before);
    if (file === null)
      return `No mail about the reuse came into ${folder} within ${MAIL_DEADLINE / 1_000} s. If the service runs in another folder, run the demo there.`;
    return `The service warns the victim by mail: ${file}\n   ${SUBJECT_LINE}`;
  }
  if (kind === 'off') return 'Mails are off here. With mails on, the service would warn the victim.';
  if (email === undefined)
    return 'The service warns the victim by mail. The mail goes to an address that does not exist: --email names another one.';
  return `The service warns the victim by mail: look into the inbox of ${email}.`;
}

async function listMails(folder: string | null): Promise<readonly string[]> {
  if (folder === null) return [];
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.eml'));
}

/** Finds the new mail about the reuse. A registration of the demo causes another mail, which comes first. */
async function waitForMail(folder: string, before: readonly string[]): Promise<string | null> {
  const end = performance.now() + MAIL_DEADLINE;
  while (performance.now() < end) {
    for (const name of await listMails(folder)) {
      const file = join(folder, name);
      if (!before.includes(name) && (await isAboutReuse(file))) return file;
    }
    await sleep(200);
  }
  return null;
}

async function isAboutReuse(file: string): Promise<boolean> {
  return (await readFile(file, 'utf8')).split(/\r?\n/).includes(SUBJECT_LINE);
}
