import { errorCode } from '../../../lib/errors.ts';

/** The loss of a connection whose server was ready. The cause may have any code, such as one of OpenSSL. */
export class ConnectionLost extends Error {
  readonly code = 'CONNECTION_LOST';

  constructor(cause: Error) {
    super(`The connection to the database was lost: ${cause.message}`, { cause });
  }
}

const CONNECTION_LOST =
  /^(?:CONNECTION_(?:CLOSED|DESTROYED|ENDED|LOST)|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_(?:SOCKET|STREAM)_\w+)$/;

/** Whether an established connection was lost. The codes are those of the driver and of the operating system. */
export function isConnectionLost(error: unknown): boolean {
  return CONNECTION_LOST.test(errorCode(error));
}
