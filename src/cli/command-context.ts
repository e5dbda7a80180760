import { userInfo } from 'node:os';
import { createLog } from '../adapters/telemetry/log.ts';

/** Creates the log of a command, on standard error. Standard output is for the result. */
export function logToErrors() {
  return createLog('info', { write: (line) => void process.stderr.write(line) });
}

/** The user of the operating system; a container may run under a number without a name. */
export function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
