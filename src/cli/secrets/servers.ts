import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A server whose password is in two files: in a URL for the service, and in the configuration of the server. */
interface Server {
  readonly url: File;
  readonly conf: File;
}

interface File {
  readonly name: string;
  /** The content of the file with this password. */
  readonly text: (password: string) => string;
  /** Finds the password in the content of the file. */
  readonly pattern: RegExp;
}

/** A generated password: characters that need no escaping in a URL or in the files of both servers. */
const PASSWORD = '([\\w-]+)';

/** The hosts are those of compose.prod.yml. */
const SERVERS: readonly Server[] = [
  {
    url: {
      name: 'redis_url',
      text: (password) => `redis://:${password}@redis:6379`,
      pattern: new RegExp(`^rediss?://[^:/@]*:${PASSWORD}@`),
    },
    conf: {
      name: 'redis_conf',
      text: (password) => `requirepass ${password}\n`,
      pattern: new RegExp(`^requirepass ${PASSWORD}$`, 'm'),
    },
  },
  {
    url: {
      name: 'amqp_url',
      text: (password) => `amqp://kinship:${password}@rabbitmq:5672`,
      pattern: new RegExp(`^amqps?://[^:/@]*:${PASSWORD}@`),
    },
    conf: {
      name: 'rabbitmq_conf',
      // Without the tag the user of the service can publish, but not administer the broker.
      text: (password) =>
        `default_user = kinship\ndefault_pass = ${password}\ndefault_user_tags.administrator = false\n`,
      pattern: new RegExp(`^default_pass = ${PASSWORD}$`, 'm'),
    },
  },
];

/** Throws if the two files of a server hold different passwords. Ignores files that an operator wrote differently. */
export function checkServerFiles(folder: string): void {
  for (const server of SERVERS) readPassword(folder, server, () => undefined);
}

/**
 * The files of both servers, by name. If one file of a server is missing, as after an upgrade or a loss, the new file
 * gets the password of the other. Throws if the files contradict each other. Otherwise the only sign would be the error
 * "access refused" of the server.
 */
export function serverFiles(folder: string, random: () => string): Record<string, string> {
  const files = SERVERS.flatMap((server) => {
    const password = readPassword(folder, server, refuseUnknownForm) ?? random();
    return [server.url, server.conf].map(({ name, text }) => [name, text(password)]);
  });
  return Object.fromEntries(files);
}

/** The password that both files of a server hold; undefined if there is none. Throws if they differ. */
function readPassword(
  folder: string,
  { url, conf }: Server,
  onUnknownForm: (path: string) => undefined,
): string | undefined {
  const [forService, forServer] = [url, conf].map(({ name, pattern }) => {
    const path = join(folder, name);
    if (!existsSync(path)) return undefined;
    return pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? onUnknownForm(path);
  });
  if (forService !== undefined && forServer !== undefined && forService !== forServer) {
    throw new Error(
      `${join(folder, url.name)} and ${join(folder, conf.name)} hold different passwords: put that of the server into both.`,
    );
  }
  return forService ?? forServer;
}

function refuseUnknownForm(path: string): never {
  throw new Error(`${path} has no password in the form that this command writes: correct it, or remove it.`);
}
