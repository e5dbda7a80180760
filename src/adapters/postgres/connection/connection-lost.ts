import { errorCode } from '../../../lib/errors.ts';

const CONNECTION_LOST =
  /^(?:CONNECTION_(?:CLOSED|DESTROYED|ENDED)|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_(?:SOCKET|STREAM)_\w+)$/;

/** Whether an established connection was lost. The codes are those of the driver and of the operating system. */
export function isConnectionLost(error: unknown): boolean {
  return CONNECTION_LOST.test(errorCode(error));
}
