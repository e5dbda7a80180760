import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { errorChain, errorCode } from '../../lib/errors.ts';
import { escapeControls } from './escape-controls.ts';
import { createLineOutput } from './line-output.ts';

export type Logger = PinoLogger & {
  /** Lines that were dropped because standard output was blocked. */
  droppedLines(): number;
};

/**
 * Fields whose values are replaced by `[redacted]`, in objects that are nested up to `MAX_DEPTH`. Callers log no arrays
 * of objects.
 */
const SECRET_FIELDS = new Set([
  'password',
  'token',
  'access',
  'refresh',
  'accessToken',
  'refreshToken',
  'authorization',
  'cookie',
]);

/** Deeper than any object that the service logs. */
const MAX_DEPTH = 4;

/**
 * Creates a log of JSON lines on standard output, written in the background. Callers pass no secrets: requests are
 * logged without their query, and errors with type, message, code, stack and cause only. The redaction of fields is a
 * second safeguard. Pino's own redaction needs wildcards for each depth. It takes six times as long as writing the rest
 * of a line.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  if (destination !== undefined) return Object.assign(logTo(destination, level), { droppedLines: () => 0 });
  return logToStandardOutput(level);
}

/** What decides the format of the lines. `logFormat` is null if the operator chose none. */
interface LogFormatSettings {
  readonly production: boolean;
  readonly logFormat: 'json' | 'pretty' | null;
}

/** Whether log lines on this stream are for people to read. */
export function isForPeople(
  { production, logFormat }: LogFormatSettings,
  { isTTY }: NodeJS.WriteStream,
): boolean {
  return logFormat === null ? isTTY && !production : logFormat === 'pretty';
}

/**
 * Creates a log of readable lines for people. Like {@link createLog} it redacts fields, bounds its memory, and writes
 * in the background.
 */
export async function createReadableLog(level: string): Promise<Logger> {
  return logToStandardOutput(level, await createReadableFormat(process.stdout));
}

/** Clears the current line of a terminal, which may show a progress bar. */
const CLEAR_LINE = '\r\u001b[K';

/** Creates the function that makes a line of JSON readable for people on this stream. */
export async function createReadableFormat(stream: NodeJS.WriteStream): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize: stream.isTTY && stream.hasColors(),
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
  });
  const start = stream.isTTY ? CLEAR_LINE : '';
  return (line) => `${start}${format(escapeControls(line))}`;
}

function logToStandardOutput(level: string, format?: (line: string) => string): Logger {
  const output = createLineOutput(process.stdout, (dropped) => {
    log.warn(
      { dropped },
      'log lines were dropped because standard output was blocked; check the reader of the log',
    );
  });
  const formatted = format && { ...output, write: (line: string) => output.write(format(line)) };
  const log = logTo(formatted ?? output, level);
  process.once('exit', output.writeAtExit); // the process may end without a flush
  return Object.assign(log, { droppedLines: output.droppedLines });
}

function logTo(destination: DestinationStream, level: string): PinoLogger {
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { log: (facts: Facts) => redact(facts, 1) },
    serializers: { err: describeError },
  };
  return pino(options, destination);
}

/** Resolves when all lines are written, or after half a second if the output is blocked. */
export function flushLog(log: Logger): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

type Facts = Record<string, unknown>;

function redact(facts: Facts, depth: number): Facts {
  const entries = Object.entries(facts).map(([name, value]) => {
    if (SECRET_FIELDS.has(name)) return [name, '[redacted]'];
    return [name, isPlainObject(value) && depth < MAX_DEPTH ? redact(value, depth + 1) : value];
  });
  return Object.fromEntries(entries);
}

/** Other objects, such as errors and dates, are serialized by pino. */
function isPlainObject(value: unknown): value is Facts {
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
  const causes = errorChain(error).slice(1);
  const cause = causes.reduceRight<ErrorLine | undefined>(
    (inner, outer) => errorLine(outer, inner),
    undefined,
  );
  return errorLine(error, cause);
}

function errorLine(error: unknown, cause: ErrorLine | undefined): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const code = errorCode(error);
  return {
    type: error.name,
    message: error.message,
    ...(code !== '' && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(cause !== undefined && { cause }),
  };
}
