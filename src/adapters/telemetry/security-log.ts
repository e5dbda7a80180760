import type { Log } from '../../ports/log.ts';
import type { SecurityLog } from '../../ports/security-log.ts';

/** Writes one line per event. `hashIdentifier` must be keyed: a user may type a password into the name field. */
export function createSecurityLog(log: Log, hashIdentifier: (identifier: string) => string): SecurityLog {
  return (event, { identifier, ...facts }) => {
    const identifierHash = identifier === undefined ? undefined : hashIdentifier(identifier);
    log.warn({ event, ...facts, identifierHash }, `security: ${event.replaceAll('_', ' ')}`);
  };
}
