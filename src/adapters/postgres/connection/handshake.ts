/** The callbacks of a handshake. */
interface HandshakeCallbacks {
  /** Passes bytes from the server to the driver. */
  pass(bytes: Buffer): void;
  /** Sends bytes to the server. */
  send(bytes: Buffer): void;
  /** Called with the only row of the last statement, or with null if a statement failed. */
  decide(row: string[] | null): void;
}

const MESSAGE = { ready: 0x5a, row: 0x44, error: 0x45, parameter: 0x53, notice: 0x4e, notify: 0x41 } as const;

/** Asynchronous messages: a server may send them at any time. */
const ASYNC_MESSAGES: readonly number[] = [MESSAGE.error, MESSAGE.parameter, MESSAGE.notice, MESSAGE.notify];

/**
 * Maximum bytes of a message. No message of a handshake is longer. If the peer speaks another protocol, its bytes
 * usually read as a greater length.
 */
const MAX_MESSAGE = 65_536;

/**
 * Runs `statements` on a new connection as soon as the server is ready. The driver has no hook for the first statement
 * of a connection, so it gets the ready message only afterwards. Returns two functions: `take` receives bytes of the
 * server, `finish` gives the connection to the driver.
 */
export function startHandshake(statements: string, callbacks: HandshakeCallbacks) {
  let received: Buffer = Buffer.alloc(0);
  let ready: Buffer | null = null;
  let row: string[] | null = null;
  let hasFailed = false;
  let isOver = false;

  return {
    /** Throws {@link ProtocolViolation}. */
    take(chunk: Buffer): void {
      received = Buffer.concat([received, chunk]);
      while (!isOver) {
        const message = next();
        if (message === null) return;
        if (ready === null) handleStartup(message);
        else handleSetup(message);
      }
    },
    /** Passes the ready message, and the bytes that followed it, to the driver. */
    finish(): void {
      callbacks.pass(Buffer.concat([ready ?? Buffer.alloc(0), received]));
    },
  };

  function next(): Buffer | null {
    if (received.length < 5) return null;
    const length = received.readUInt32BE(1) + 1;
    if (length < 5 || length > MAX_MESSAGE) throw new ProtocolViolation();
    if (received.length < length) return null;
    const message = received.subarray(0, length);
    received = received.subarray(length);
    return message;
  }

  function handleStartup(message: Buffer): void {
    if (message[0] === MESSAGE.ready) {
      ready = message;
      callbacks.send(simpleQuery(statements));
    } else callbacks.pass(message);
  }

  function handleSetup(message: Buffer): void {
    if (message[0] === MESSAGE.row) row = fieldsOf(message);
    if (message[0] === MESSAGE.error) hasFailed = true;
    if (message[0] === MESSAGE.error || message[0] === MESSAGE.parameter) callbacks.pass(message);
    if (message[0] === MESSAGE.ready) finishSetup();
  }

  function finishSetup(): void {
    // The driver would take a second answer for the answer to its own first statement.
    if (received.length > 0 && !ASYNC_MESSAGES.includes(received[0]!)) throw new ProtocolViolation();
    if (row === null && !hasFailed) throw new ProtocolViolation();
    isOver = true;
    callbacks.decide(hasFailed ? null : row);
  }
}

function simpleQuery(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const head = Buffer.from('Q\0\0\0\0');
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** The fields of a DataRow message as text; a null is an empty text. Throws {@link ProtocolViolation}. */
function fieldsOf(message: Buffer): string[] {
  const fields: string[] = [];
  let offset = 7;
  const step = (bytes: number) => {
    const start = offset;
    offset += bytes;
    if (offset > message.length) throw new ProtocolViolation();
    return start;
  };
  if (message.length < offset) throw new ProtocolViolation();
  for (let count = message.readUInt16BE(5); count > 0; count -= 1) {
    const length = Math.max(message.readInt32BE(step(4)), 0);
    fields.push(message.toString('utf8', step(length), offset));
  }
  return fields;
}

/** The peer violates the PostgreSQL protocol. */
export class ProtocolViolation extends Error {
  readonly code = '08P01';

  constructor() {
    super('The server in DATABASE_URL does not speak the PostgreSQL protocol. Check the host and the port.');
  }
}
