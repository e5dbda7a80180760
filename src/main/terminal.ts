import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseConnectionUrl } from '../adapters/postgres/connection/url.ts';
import { createReadableLog, flushLog, type Logger } from '../adapters/telemetry/log.ts';
import { createProgress, showStart } from '../cli/progress.ts';
import type { ServiceUrls } from '../compose/servers.ts';
import type { StartEvents } from '../compose/stores.ts';
import type { Config } from '../config.ts';
import { commandLine } from '../lib/command-line.ts';

/** The log and the progress of a start for a person. */
export interface Terminal {
  readonly log: Logger;
  readonly events: StartEvents;
  /** Ends the progress, and says what the person can do now. */
  welcome(addresses: ServiceUrls): Promise<void>;
}

/** Opens a readable log. On a terminal it also shows the progress of the start, and a welcome at its end. */
export async function openTerminal(config: Config): Promise<Terminal> {
  const { stdout } = process;
  const log = await createReadableLog(config.logLevel);
  const progress = stdout.isTTY ? createProgress(stdout, () => performance.now()) : null;
  return {
    log,
    events: showStart(progress),
    async welcome(addresses) {
      progress?.end();
      await flushLog(log);
      if (stdout.isTTY) stdout.write(welcomeText(config, addresses));
    },
  };
}

function welcomeText(config: Config, { url, docs, account, console }: ServiceUrls): string {
  const lines = [
    ['API', docs],
    ...(account === undefined ? [] : [['Account', account]]),
    ...(console === undefined ? [] : [['Console', console]]),
    ['Database', describeDatabase(config)],
    ['Mails', describeMails(config)],
    ...firstCommands(config, url),
  ];
  const rows = lines.map(([name = '', value]) => `  ${name.padEnd(10)}${value}\n`);
  return `\n  Kinship answers at ${url}\n\n${rows.join('')}\n`;
}

function firstCommands(config: Config, url: string): string[][] {
  if (config.policy.dpop === 'required') return [['Try it', 'each login needs a DPoP proof: docs/dpop.md']];
  return [
    ['Try it', firstCommand(config, url)],
    ['A theft', demoCommand(url)],
  ];
}

/** Repeats API_PORT if it comes from the environment of this process: the demo runs in another shell. */
function demoCommand(url: string): string {
  const { API_PORT = '' } = process.env;
  const port = API_PORT === '' ? '' : `API_PORT=${new URL(url).port} `;
  return `${port}${commandLine('demo')}`;
}

function describeDatabase({ database, dataDir }: Config): string {
  if (database.kind === 'embedded') return `embedded, in ${join(dataDir, 'pg')}`;
  const { hosts, database: name } = parseConnectionUrl(database.url);
  return `PostgreSQL, ${name} on ${hosts.map(({ host, port }) => `${host}:${port}`).join(', ')}`;
}

function describeMails({ mail, dataDir }: Config): string {
  switch (mail.kind) {
    case 'files':
      return `files in ${join(dataDir, 'mail')}`;
    case 'smtp':
      return `to ${mail.host}:${mail.port}`;
    case 'off':
      return 'off';
  }
}

/**
 * If login by user id requires a service key, the command registers an account, which requires none. Each start prints
 * a new name, so an account of an earlier start does not fail the command.
 */
function firstCommand({ http }: Config, url: string): string {
  const isOpen = http.loginByUserId === 'local' || http.loginByUserId === 'open';
  if (isOpen) return `curl -X POST '${url}/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11'`;
  const name = `try-${randomBytes(3).toString('hex')}`;
  const account = `{"username":"${name}","email":"${name}@example.com","password":"a violet piano 42"}`;
  return `curl -H 'Content-Type: application/json' ${url}/auth/register -d '${account}'`;
}
