import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Test } from 'tap';

/** A version of a package as `npm publish` sends it. */
interface PublishedVersion {
  readonly name: string;
  readonly version: string;
  readonly repository?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Document {
  readonly versions: Record<string, PublishedVersion>;
  readonly 'dist-tags': Record<string, string>;
  readonly _attachments?: Record<string, { readonly data: string }>;
}

/** A registry with the part of npm's protocol that `npm publish` uses. It refuses a document without its token. */
export async function npmRegistry(t: Pick<Test, 'teardown'>, token: string) {
  const documents = new Map<string, Document>();
  /** The names of all packages that were sent, in order. Refused packages are included. */
  const sent: string[] = [];
  /** The names of packages that the registry refuses. The test adds them. */
  const refused = new Set<string>();

  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname.slice(1));
    const [status, body] = await answerTo(name, request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  async function answerTo(name: string, request: IncomingMessage): Promise<[number, unknown]> {
    const stored = documents.get(name);
    if (request.method === 'GET') return stored ? [200, { name, ...stored }] : [404, { error: 'not_found' }];
    const document = (await json(request)) as Document;
    sent.push(name);
    if (request.headers.authorization !== `Bearer ${token}` || refused.has(name))
      return [403, { error: 'no' }];
    const versions = { ...stored?.versions, ...document.versions };
    documents.set(name, { ...document, versions });
    return [201, { ok: true }];
  }

  return { url, documents, sent, refused };
}
