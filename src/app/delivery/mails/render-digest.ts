import type { DomainEvent } from '../../../domain/events.ts';
import type { MailContext } from './facts.ts';
import { layOut, type RenderedMail } from './layout.ts';
import { buildMailContent, IF_NOT_YOU } from './render-mail.ts';

/** The number of events that a digest shows with their facts. Further events are only counted. */
const SHOWN = 20;

export interface DigestItem {
  readonly event: DomainEvent;
  readonly context: MailContext;
}

/** One mail about several events, oldest first. */
export function renderDigest(serviceName: string, items: readonly DigestItem[]): RenderedMail {
  const contents = items.map(({ event, context }) => {
    const content = buildMailContent(event, context);
    if (content === null) throw new Error(`There is no mail about ${event.type}.`);
    return content;
  });
  const left = contents.length - SHOWN;
  return layOut(serviceName, {
    subject: `${contents.length} ${contents.length === 1 ? 'message' : 'messages'} about the safety of your account`,
    whatHappened: [
      'There were many events in your account in a short time, so one mail reports all of them. The oldest comes first.',
      ...(left > 0 ? [`The first ${SHOWN} are shown. There are ${left} more.`] : []),
    ],
    facts: [],
    notices: contents.slice(0, SHOWN),
    whatToDo: ['If all of this was you, there is nothing to do.', IF_NOT_YOU],
  });
}
