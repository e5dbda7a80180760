/** What a handshake does with the connection. */
interface Line {
  /** Hands bytes of the server on to the driver. */
  pass(bytes: Buffer): void;
  /** Sends bytes to the server. */
  send(bytes: Buffer): void;
  /** Called with the one row that the last statement returns, or with null when a statement failed. */
  decide(row: string[] | null): void;
}

const MESSAGE = { ready: 0x5a, row: 0x44, error: 0x45, parameter: 0x53 } as const;

/**
 * Follows the messages of a new connection, and asks the server `statements` when it first is ready for them. The
 * driver hears that the server is ready after that: it has no place of its own for the first statement of a
 * connection. Answers the function that takes what the server sends, and one that says how it ended.
 */
export function startHandshake(statements: string, line: Line) {
  let received: Buffer = Buffer.alloc(0);
  let ready: Buffer | null = null;
  let row: string[] = [];
  let hasFailed = false;

  return {
    take(chunk: Buffer): void {
      received = Buffer.concat([received, chunk]);
      for (let message = next(); message !== null; message = next()) {
        if (ready === null) greet(message);
        else answer(message);
      }
    },
    /** Lets the driver go on: the server is ready, and these bytes follow. */
    finish(): void {
      line.pass(Buffer.concat([ready ?? Buffer.alloc(0), received]));
    },
  };

  function next(): Buffer | null {
    if (received.length < 5) return null;
    const length = received.readUInt32BE(1) + 1;
    if (received.length < length) return null;
    const message = received.subarray(0, length);
    received = received.subarray(length);
    return message;
  }

  function greet(message: Buffer): void {
    if (message[0] === MESSAGE.ready) {
      ready = message;
      line.send(simpleQuery(statements));
    } else line.pass(message);
  }

  function answer(message: Buffer): void {
    if (message[0] === MESSAGE.row) row = fieldsOf(message);
    if (message[0] === MESSAGE.error) hasFailed = true;
    if (message[0] === MESSAGE.error || message[0] === MESSAGE.parameter) line.pass(message);
    if (message[0] === MESSAGE.ready) line.decide(hasFailed ? null : row);
  }
}

function simpleQuery(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const head = Buffer.from('Q\0\0\0\0');
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** The fields of a DataRow message as text; a null is an empty text. */
function fieldsOf(message: Buffer): string[] {
  const fields: string[] = [];
  let offset = 7;
  for (let count = message.readUInt16BE(5); count > 0; count -= 1) {
    const length = Math.max(message.readInt32BE(offset), 0);
    offset += 4;
    fields.push(message.toString('utf8', offset, offset + length));
    offset += length;
  }
  return fields;
}
