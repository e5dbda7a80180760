/** The code of a system, driver or protocol error, such as `ECONNRESET` or a SQLSTATE. Empty if it has none. */
export function errorCode(error: unknown): string {
  const { code } = error instanceof Error ? (error as { readonly code?: unknown }) : {};
  return String(code ?? '');
}

/** The most errors of a chain that are reported. */
const LONGEST_CHAIN = 10;

/** An error and its causes, outermost first. Ends before an error that the chain already has, and after ten errors. */
export function errorChain(error: unknown): readonly unknown[] {
  const chain = new Set([error]);
  let last = error;
  while (last instanceof Error && last.cause !== undefined && chain.size < LONGEST_CHAIN) {
    last = last.cause;
    if (chain.has(last)) break;
    chain.add(last);
  }
  return [...chain];
}

const TLS_CODES =
  /CERT|^ERR_SSL_|UNABLE_TO_VERIFY|LEAF_SIGNATURE|^(?:INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|EPROTO)$/;

/** Whether an {@link errorCode} of Node or OpenSSL means an invalid certificate, or a peer without TLS. */
export function isTlsFailure(code: string): boolean {
  return TLS_CODES.test(code);
}

/**
 * The message of an error, or the text of any other thrown value. If no address of a host accepts a connection, Node.js
 * throws an error without a message, which contains one error for each address.
 */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(errorMessage).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/**
 * A server answers, but the service cannot work with it until an operator changes something. The message names the
 * server and the reason, and contains no secret.
 */
export class ServerUnusable extends Error {
  override readonly name: string = 'ServerUnusable';
}
