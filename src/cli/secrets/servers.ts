import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A password that is in two files: in a URL, for the service, and in what its server reads. */
interface Server {
  readonly url: File;
  readonly conf: File;
}

interface File {
  readonly name: string;
  /** What is in it, around the password. */
  readonly text: (password: string) => string;
  /** Finds the password in it. */
  readonly pattern: RegExp;
}

/** A password as this command makes it, which means itself in a URL and in the files of both servers. */
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
      // Without the tag the user of the service can publish, but not administrate the broker.
      text: (password) =>
        `default_user = kinship\ndefault_pass = ${password}\ndefault_user_tags.administrator = false\n`,
      pattern: new RegExp(`^default_pass = ${PASSWORD}$`, 'm'),
    },
  },
];

/** Throws if the two files of a server hold different passwords. Files that an operator wrote differently are not read. */
export function checkServerFiles(folder: string): void {
  for (const { url, conf } of SERVERS) {
    const [forService, forServer] = [url, conf].map((file) => findPassword(folder, file));
    assertAgreement(folder, { url, conf }, forService, forServer);
  }
}

/**
 * The files of both servers, by name. Where one of two is in the folder, as after an upgrade or a loss, the other is
 * made for the same password. Throws where that cannot be: neither server would say more than "access refused".
 */
export function serverFiles(folder: string, random: () => string): Record<string, string> {
  const files = SERVERS.flatMap(({ url, conf }) => {
    const password = agreed(folder, url, conf) ?? random();
    return [url, conf].map(({ name, text }) => [name, text(password)]);
  });
  return Object.fromEntries(files);
}

function agreed(folder: string, url: File, conf: File): string | undefined {
  const [forService, forServer] = [url, conf].map((file) => passwordIn(folder, file));
  assertAgreement(folder, { url, conf }, forService, forServer);
  return forService ?? forServer;
}

function assertAgreement(
  folder: string,
  { url, conf }: Server,
  forService?: string,
  forServer?: string,
): void {
  if (forService === undefined || forServer === undefined || forService === forServer) return;
  throw new Error(
    `${join(folder, url.name)} and ${join(folder, conf.name)} hold different passwords: remove the wrong one.`,
  );
}

function passwordIn(folder: string, file: File): string | undefined {
  const path = join(folder, file.name);
  if (!existsSync(path)) return undefined;
  const password = findPassword(folder, file);
  if (password === undefined) {
    throw new Error(`${path} holds no password as this command makes them: mend it, or remove it.`);
  }
  return password;
}

function findPassword(folder: string, { name, pattern }: File): string | undefined {
  const path = join(folder, name);
  return existsSync(path) ? pattern.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
}
