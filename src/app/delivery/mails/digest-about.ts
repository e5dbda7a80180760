import type { DomainEvent } from '../../../domain/events.ts';
import { layOut, type MailContent } from './layout.ts';
import { contentAbout, IF_NOT_YOU } from './mail-about.ts';

/** The number of events with their facts in a digest. The others are only counted. */
const SHOWN = 20;

/** An event, and the URL of the page for the user's reaction; null without one. */
export interface DigestItem {
  readonly event: DomainEvent;
  readonly link: string | null;
}

/** One letter about several events, oldest first. */
export function digestMailAbout(items: readonly DigestItem[]): MailContent {
  const contents = items.map(({ event, link }) => {
    const content = contentAbout(event, link);
    if (content === null) throw new Error(`Nothing is written about ${event.type}.`);
    return content;
  });
  const left = contents.length - SHOWN;
  return layOut({
    subject: `${contents.length} ${contents.length === 1 ? 'message' : 'messages'} about the safety of your account`,
    whatHappened: [
      'So much happened to your account in a short time that we put these messages together. The oldest comes first.',
      ...(left > 0 ? [`The first ${SHOWN} are shown. There are ${left} more.`] : []),
    ],
    facts: [],
    notices: contents.slice(0, SHOWN),
    whatToDo: ['If you recognise all of this, there is nothing to do.', IF_NOT_YOU],
  });
}
