import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger };

/**
 * JSON lines on standard output. What may carry a secret never gets here by itself: requests are logged without
 * their query, and errors with message and stack alone. The names below are the second lock on that door.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const secret = [
    'password',
    'token',
    'access',
    'refresh',
    'accessToken',
    'refreshToken',
    'authorization',
    'cookie',
  ];
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    serializers: { err: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

interface ErrorLine {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorLine;
}

function describeError(error: unknown): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: String(error.code) }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
