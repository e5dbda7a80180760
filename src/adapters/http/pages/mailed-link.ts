import { Type } from '@sinclair/typebox';
import { textAnswer } from '../server/schemas.ts';
import { pageRefusals } from './page.ts';

/** The token of a mailed link: a MAC over the id of the link. Only the links of `not-me` have another, longer token. */
export const LinkToken = Type.String({ maxLength: 100, description: 'the token in the link' });

/** The body of a form that posts the token of a mailed link. */
export function linkForm(title: string) {
  return Type.Object(
    { token: LinkToken },
    { title, additionalProperties: false, examples: [{ token: 'qWHBn9xM…' }] },
  );
}

/** The responses of a route that shows a page of a mailed link. `statuses`: the statuses of its refusals. */
export function pageResponses<Status extends number>(description: string, ...statuses: Status[]) {
  return { 200: textAnswer(description, 'text/html'), ...pageRefusals(...statuses) };
}
