import type { Test } from 'tap';
import { exampleOf, openapiOf } from './openapi.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** A text member of a request body with a maximum length, for one content type of the body. */
export interface TextMember {
  readonly path: string;
  readonly method: string;
  readonly type: string;
  readonly name: string;
  readonly maxLength: number;
  /** A valid body. */
  readonly example: Readonly<Record<string, unknown>>;
}

/** Every text member with a maximum length at the top level of a body of the API. */
export async function textMembers(t: Pick<Test, 'teardown'>): Promise<readonly TextMember[]> {
  const { paths, components } = await openapiOf(t);
  const schemas = components.schemas as Readonly<Record<string, Schema>>;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).flatMap(([type, media]) => {
        const schema = media.schema as Schema;
        const { properties = {} } = schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema;
        return Object.entries(properties).flatMap(([name, { maxLength = 0 }]) =>
          maxLength === 0
            ? []
            : [{ path, method: method.toUpperCase(), type, name, maxLength, example: exampleOf(media) }],
        );
      }),
    ),
  );
}

/** The body of a request. `type` is undefined if `fetch` sets the content type itself. */
export function encodeBody(
  type: string,
  members: Readonly<Record<string, unknown>>,
): { readonly body: string | URLSearchParams | FormData; readonly type?: string } {
  const entries = Object.entries(members).map(([name, value]): [string, string] => [name, String(value)]);
  if (type === 'application/json') return { body: JSON.stringify(members), type };
  if (type !== 'multipart/form-data') return { body: new URLSearchParams(entries) };
  const form = new FormData();
  for (const [name, value] of entries) form.set(name, value);
  return { body: form };
}
