import type { Log } from '../../ports/log.ts';
import type { SecurityLog } from '../../ports/security-log.ts';

/** One line for each event. `hashIdentifier` is keyed: typed names may be passwords in the wrong field. */
export function createSecurityLog(log: Log, hashIdentifier: (identifier: string) => string): SecurityLog {
  return (event, { identifier, ...facts }) => {
    const identifierHash = identifier === undefined ? undefined : hashIdentifier(identifier);
    log.warn({ event, ...facts, identifierHash }, `security: ${event.replaceAll('_', ' ')}`);
  };
}
