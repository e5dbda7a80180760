import formbody from '@fastify/formbody';
import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { prepareRefusal } from '../server/problem-answers.ts';
import { PROBLEMS, type ProblemCode } from '../server/problems.ts';
import { BODY_IS_OPTIONAL, createRefusalResponses } from '../server/schemas.ts';
import { contentSecurityPolicyOf, type Page, paragraph, renderPage } from './layout.ts';

/** The common schema of the page routes. */
export const pageSchema = {
  tags: ['pages'],
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  security: [],
};

/** Makes the responses of a page route for the statuses of its refusals. Each refusal is a page. */
export const pageRefusals = createRefusalResponses('text/html', 'a page with the reason of the refusal');

/** The schema of a form without fields, which is not in the OpenAPI document. */
export const EMPTY_FORM_SCHEMA = {
  hide: true,
  [BODY_IS_OPTIONAL]: true,
  body: Type.Object({}, { additionalProperties: false }),
};

/** The maximum size of a form, in bytes. */
export const FORM_LIMIT = 8 * 1024;

export type SendPage = (reply: FastifyReply, page: Page) => FastifyReply;

/** Creates the function that sends pages. Each page names the service. */
export function createPageSender(serviceName: string): SendPage {
  return (reply, page) =>
    reply
      .header('content-security-policy', contentSecurityPolicyOf(page))
      .type('text/html; charset=utf-8')
      .send(renderPage(serviceName, page));
}

/** Whether a person may see the answer: browsers ask for HTML when they open an address. */
export function acceptsHtml({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}

/**
 * Makes a scope serve pages: it takes form bodies and answers in HTML, refusals included. A request that does not match
 * its schema gets the page `incomplete`. The message of the validator is written for clients of the API.
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
    return sendPage(reply, isIncomplete ? incomplete : refusalPage(refusal, waitOf(error)));
  });
}

const INCOMPLETE_LINK: Page = {
  title: 'This link is not complete',
  content: paragraph(
    'The address of this page lacks a part. Open the link in the mail again, or copy the whole link from the mail.',
  ),
};

/** Seconds until a retry may succeed. */
function waitOf(error: unknown): number {
  return (error instanceof Refusal ? error.retryAfter : undefined) ?? 60;
}

function refusalPage(
  { code, title, detail }: { code: ProblemCode; title: string; detail: string },
  wait: number,
): Page {
  const advice = PROBLEMS[code].recovery === 'retry' ? paragraph(`Try again in ${describeWait(wait)}.`) : '';
  return { title, content: paragraph(detail) + advice };
}

/** Seconds in words, rounded up to minutes or hours. */
export function describeWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return 'a minute';
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
