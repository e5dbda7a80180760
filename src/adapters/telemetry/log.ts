import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { createLineOutput } from './line-output.ts';

export type Logger = PinoLogger & {
  /** Lines that standard output did not take. */
  droppedLines(): number;
};

/** Names whose values are not written, however deep in what is logged. */
const SECRET = new Set([
  'password',
  'token',
  'access',
  'refresh',
  'accessToken',
  'refreshToken',
  'authorization',
  'cookie',
]);

/** Deeper than anything that is logged here. */
const DEEPEST = 4;

/**
 * JSON lines on standard output, written in the background. What may carry a secret never gets here by itself:
 * requests are logged without their query, and errors with message and stack alone. The names above are the second
 * lock on that door; pino's own, with wildcards for the depths, takes six times as long as all else that a line costs.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  if (destination !== undefined) return Object.assign(logTo(destination, level), { droppedLines: () => 0 });
  const output = createLineOutput(process.stdout, (dropped) => {
    log.warn({ dropped }, 'standard output did not take all log lines: some were dropped');
  });
  const log = logTo(output, level);
  // A process that ends without a flush writes what the output takes at once.
  process.once('exit', () => output.flush(() => {}));
  return Object.assign(log, { droppedLines: output.droppedLines });
}

function logTo(destination: DestinationStream, level: string): PinoLogger {
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { log: (facts: Facts) => withoutSecrets(facts, 1) },
    serializers: { err: describeError },
  };
  return pino(options, destination);
}

/** Resolves when all lines are written, or after half a second if the reader does not take them. */
export function flushLog(log: Logger): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

type Facts = Record<string, unknown>;

function withoutSecrets(facts: Facts, depth: number): Facts {
  const entries = Object.entries(facts).map(([name, value]) => {
    if (SECRET.has(name)) return [name, '[redacted]'];
    return [name, isFacts(value) && depth < DEEPEST ? withoutSecrets(value, depth + 1) : value];
  });
  return Object.fromEntries(entries);
}

/** Others know by themselves how they are written. */
function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
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
