import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

/** Prints the port of a server with the shortest queue of connections: as a string, which FORCE_COLOR does not color. */
const LISTEN = `const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(String(server.address().port)));`;

/** More connections than the queue holds. */
const QUEUED = 4;

/**
 * A port of 127.0.0.1 that drops packets, like a machine that is gone. The process that listens on the port is stopped
 * and its queue of connections is full, so the system answers no further connection. The process ends with the test.
 */
export async function blackHole(t: Pick<Test, 'teardown'>): Promise<number> {
  const listener = spawn(process.execPath, ['--eval', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.kill('SIGKILL');
  });
  const [line] = await once(listener.stdout, 'data');
  const port = Number(String(line));
  listener.kill('SIGSTOP');
  for (let count = 0; count < QUEUED; count += 1)
    sockets.push(connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await delay(200);
  return port;
}
