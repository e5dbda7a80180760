import { userInfo } from 'node:os';
import { createLog, createReadableFormat, isForPeople, type Logger } from '../adapters/telemetry/log.ts';
import type { Config } from '../config.ts';

/** Creates the log of a command, on standard error. Standard output is for the result. */
export async function logToErrors(config: Config): Promise<Logger> {
  const { stderr } = process;
  const format = isForPeople(config, stderr) ? await createReadableFormat(stderr) : (line: string) => line;
  return createLog(config.logLevel, { write: (line) => void stderr.write(format(line)) });
}

/** The user of the operating system; a container may run under a number without a name. */
export function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
