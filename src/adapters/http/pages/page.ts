import formbody from '@fastify/formbody';
import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import type { App } from '../server/app.ts';
import { prepareRefusal } from '../server/problem-answers.ts';
import { PROBLEMS, type ProblemCode } from '../server/problems.ts';
import { BODY_IS_OPTIONAL, refusalsAs } from '../server/schemas.ts';
import { contentSecurityPolicyOf, type Page, paragraph, renderPage } from './layout.ts';

/** Common schema of the page routes. */
export const pageSchema = {
  tags: ['pages'],
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  security: [],
};

/** The refusals among the responses of a page, as pages. */
export const refusals = refusalsAs('text/html', 'a page with the reason of the refusal');

/** The schema of a form without fields, which is not in the OpenAPI document. */
export const EMPTY_FORM_SCHEMA = {
  hide: true,
  [BODY_IS_OPTIONAL]: true,
  body: Type.Object({}, { additionalProperties: false }),
};

/** The bound of a form, in bytes. */
export const FORM_LIMIT = 8 * 1024;

export type SendPage = (reply: FastifyReply, page: Page) => FastifyReply;

/** Sends pages that name the service. A page must not be framed or cached, and keeps its URL secret. */
export function pageSender(serviceName: string): SendPage {
  return (reply, page) =>
    reply
      .header('content-security-policy', contentSecurityPolicyOf(page))
      .type('text/html; charset=utf-8')
      .send(renderPage(serviceName, page));
}

/**
 * Makes a scope serve pages: it takes form bodies and answers in HTML, refusals included. `incomplete` is the page for
 * requests that do not match the schema, which describes them in terms of the API.
 */
export async function servePages(
  scope: App,
  sendPage: SendPage,
  incomplete = INCOMPLETE_LINK,
): Promise<void> {
  await scope.register(formbody, { bodyLimit: FORM_LIMIT });
  scope.setErrorHandler((error, request, reply) => {
    const refusal = prepareRefusal(error, request, reply);
    const isIncomplete = error instanceof Error && 'validation' in error && error.validation !== undefined;
    return sendPage(reply, isIncomplete ? incomplete : refusalPage(refusal));
  });
}

const INCOMPLETE_LINK: Page = {
  title: 'This link is not complete',
  content: paragraph(
    'The address of this page lacks a part. Open the link in the mail again, or copy the whole link from the mail.',
  ),
};

function refusalPage({ code, title, detail }: { code: ProblemCode; title: string; detail: string }): Page {
  const advice = PROBLEMS[code].recovery === 'retry' ? paragraph('Try again in a minute.') : '';
  return { title, content: paragraph(detail) + advice };
}
