import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const schema = JSON.parse(readFileSync('docs/events.schema.json', 'utf8'));
const ajv = addFormats.default(new Ajv.default({ allErrors: true }));
const isValid = ajv.compile(schema);

/** The violations of the schema by an event; empty if it is valid. */
export function schemaFaults(event: unknown): readonly string[] {
  if (isValid(event)) return [];
  return (isValid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** The types of events in the schema. */
export const eventTypes: readonly string[] = schema.oneOf.map(({ $ref }: { $ref: string }) =>
  $ref.replace('#/$defs/', ''),
);
