import { withDeadline } from '../../lib/time.ts';

/** One end of a connection between two processes. Messages arrive in the order in which they were sent. */
export interface ProcessChannel {
  send(message: object): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** The functions that the other end may call, by name. Arguments and results are copied, so they must be plain data. */
// biome-ignore lint/suspicious/noExplicitAny: each function has parameters of its own, and takes those of an older or newer worker, too
export type Handlers = Readonly<Record<string, (...args: any[]) => Promise<unknown>>>;

/** Calls a function of the other end. Rejects if it fails there, or does not answer in time. */
export type Call = <Result>(name: string, ...args: readonly unknown[]) => Promise<Result>;

/** Milliseconds. A longer wait means that the other process hangs. */
const DEADLINE = 5_000;

type Message =
  | { readonly kinship: 'call'; readonly id: number; readonly name: string; readonly args: unknown[] }
  | { readonly kinship: 'answer'; readonly id: number; readonly result?: unknown; readonly failure?: string };

/** A call whose answer has not arrived. */
interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Connects two processes of one program. Each end serves its own handlers, and calls the handlers of the other end. */
export function connectCalls(channel: ProcessChannel, handlers: Handlers): Call {
  const pending = new Map<number, PendingCall>();
  let lastId = 0;

  channel.onMessage((message) => {
    if (!isMessage(message)) return;
    if (message.kinship === 'call') void answer(message);
    else resolveCall(message);
  });

  return async <Result>(name: string, ...args: readonly unknown[]) => {
    const id = ++lastId;
    const answered = new Promise<unknown>((resolve, reject) => pending.set(id, { resolve, reject }));
    channel.send({ kinship: 'call', id, name, args });
    try {
      return (await withDeadline(DEADLINE, answered, () => noAnswer(name))) as Result;
    } finally {
      pending.delete(id);
    }
  };

  async function answer({ id, name, args }: Extract<Message, { kinship: 'call' }>): Promise<void> {
    try {
      const result = await handlers[name]?.(...args);
      channel.send({ kinship: 'answer', id, result });
    } catch (error) {
      channel.send({ kinship: 'answer', id, failure: String(error) });
    }
  }

  function resolveCall({ id, result, failure }: Extract<Message, { kinship: 'answer' }>): void {
    if (failure === undefined) pending.get(id)?.resolve(result);
    else pending.get(id)?.reject(new Error(failure));
  }
}

function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'kinship' in message;
}

function noAnswer(name: string): Error {
  return new Error(`The other process did not answer "${name}" within ${DEADLINE} ms.`);
}
