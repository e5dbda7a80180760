import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Variables } from './environment.ts';
import { list, quote, type Readers } from './values.ts';

const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

export type SamplerKind = (typeof SAMPLERS)[number];

export interface TracesConfig {
  /** Base URL of the collector, OTLP over HTTP. */
  readonly endpoint: string;
  /** Header fields of each export, such as `Authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Resource attributes of every span, in addition to `service.name`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** `ratio`: the sampled share of traces, 0 to 1, for samplers that use one. */
  readonly sampler: { readonly kind: SamplerKind; readonly ratio: number };
}

/**
 * Reads the settings of traces; null: no traces are recorded. An invalid endpoint is a fault. Any other invalid value
 * causes a warning and counts as unset, as the OpenTelemetry specification demands. These variables are often set for
 * many services at once.
 */
export function readTraces(variables: Variables, read: Readers): TracesConfig | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME } = variables;
  if (endpoint === '') return null;
  const { 'service.name': named, ...attributes } = readAttributes(variables, read);
  return {
    endpoint: read.httpUrl('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint),
    headers: readHeaders(variables, read),
    serviceName: OTEL_SERVICE_NAME || named || 'kinship',
    attributes,
    sampler: { kind: readKind(variables, read), ratio: readRatio(variables, read) },
  };
}

/** Names and values are percent-encoded. A value may contain `=`, and it is a secret. */
function readHeaders({ OTEL_EXPORTER_OTLP_HEADERS: value }: Variables, read: Readers) {
  return readPairs(value, readHeader, () =>
    read.warn(
      'OTEL_EXPORTER_OTLP_HEADERS is ignored: it must be a list of header fields as name=value, comma-separated.',
    ),
  );
}

function readHeader(pair: string): [string, string] {
  const end = pair.indexOf('=');
  const [name, value] = decodePair(end < 0 ? [] : [pair.slice(0, end), pair.slice(end + 1)]);
  validateHeaderName(name);
  validateHeaderValue(name, value);
  return [name, value];
}

/** Keys and values are percent-encoded. */
function readAttributes({ OTEL_RESOURCE_ATTRIBUTES: value }: Variables, read: Readers) {
  const fault = `OTEL_RESOURCE_ATTRIBUTES is ${quote(value)} and is ignored: it must be a list of key=value, comma-separated.`;
  return readPairs(
    value,
    (pair) => decodePair(pair.split('=')),
    () => read.warn(fault),
  );
}

/** If one pair is invalid, the whole list counts as unset. */
function readPairs(
  value: string,
  readPair: (pair: string) => readonly [string, string],
  onFault: () => void,
): Record<string, string> {
  try {
    return Object.fromEntries(list(value).map(readPair));
  } catch {
    onFault();
    return {};
  }
}

function decodePair(parts: readonly string[]): [string, string] {
  const [key = '', value, ...rest] = parts.map((part) => decodeURIComponent(part.trim()));
  if (key === '' || value === undefined || rest.length > 0) throw new Error('not a pair');
  return [key, value];
}

function readKind({ OTEL_TRACES_SAMPLER: value }: Variables, read: Readers): SamplerKind {
  const kind = SAMPLERS.find((sampler) => sampler === value.toLowerCase());
  if (kind === undefined && value !== '')
    read.warn(
      `OTEL_TRACES_SAMPLER is ${quote(value)} and is ignored: it must be one of ${SAMPLERS.join(', ')}.`,
    );
  return kind ?? SAMPLERS[0];
}

function readRatio({ OTEL_TRACES_SAMPLER_ARG: value }: Variables, read: Readers): number {
  const ratio = Number(value || 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  read.warn(`OTEL_TRACES_SAMPLER_ARG is ${quote(value)} and is ignored: it must be a number from 0 to 1.`);
  return 1;
}
