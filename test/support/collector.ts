import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';

/** A received span, with the field names of OTLP. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The attributes of the process that sent it. */
  readonly resource: Readonly<Record<string, string | number>>;
}

type OtlpAttributes = readonly { key: string; value: { stringValue?: string; intValue?: number } }[];

interface OtlpSpan extends Omit<ReceivedSpan, 'attributes' | 'resource'> {
  readonly attributes: OtlpAttributes;
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A collector of traces (OTLP over HTTP, JSON) on loopback. A test can make it answer with an error. */
export async function startCollector(t: Pick<Test, 'teardown'>) {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  let status = 200;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (status === 200 && request.url === '/v1/traces') {
      bodies.push(body);
      spans.push(...read(JSON.parse(body)));
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    /** The received bodies as text, for searches. */
    bodies,
    /** The span of this name. Throws if there are none or several. */
    onlySpan(name: string): ReceivedSpan {
      const found = spans.filter((span) => span.name === name);
      if (found[0] === undefined || found.length > 1)
        throw new Error(`${found.length} spans are named ${name}`);
      return found[0];
    },
    answerWith(next: number) {
      status = next;
    },
  };
}

function read({ resourceSpans }: OtlpRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        ...span,
        attributes: readAttributes(span.attributes),
        resource: readAttributes(resource.attributes),
      })),
  );
}

function readAttributes(attributes: OtlpAttributes): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
  );
}
