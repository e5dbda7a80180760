import type { DomainEvent } from '../../../domain/events.ts';
import { plural } from '../../../domain/plural.ts';
import type { MailContext } from './facts.ts';
import { layOut, type RenderedMail } from './layout.ts';
import { buildMailContent, IF_NOT_YOU } from './render-mail.ts';

/** The maximum number of events that a digest shows with their facts. Further events are only counted. */
const SHOWN = 20;

export interface DigestItem {
  readonly event: DomainEvent;
  readonly context: MailContext;
}

/** One mail about several events, oldest first. */
export function renderDigest(serviceName: string, items: readonly DigestItem[]): RenderedMail {
  const notices = chooseShown(items).map(({ event, context }) => {
    const content = buildMailContent(event, context);
    if (content === null) throw new Error(`There is no mail about ${event.type}.`);
    return content;
  });
  const left = items.length - notices.length;
  return layOut(serviceName, {
    subject: `${plural(items.length, 'message')} about the safety of your account`,
    whatHappened: [
      'You got many mails about your account in a short time, so this mail reports what happened then. The oldest event comes first.',
      ...(left > 0
        ? [`It shows ${notices.length} events, at least one of each kind. Not shown: ${left} more.`]
        : []),
    ],
    facts: [],
    notices,
    whatToDo: ['If all of this was you, there is nothing to do.', IF_NOT_YOU],
  });
}

/**
 * Chooses the events that a digest shows. A second event of a type is chosen only after one of each type. So a thief
 * who causes many events of one type hides no event of another type.
 */
function chooseShown(items: readonly DigestItem[]): readonly DigestItem[] {
  const counts = new Map<string, number>();
  const ranked = items.map((item) => {
    const rank = counts.get(item.event.type) ?? 0;
    counts.set(item.event.type, rank + 1);
    return { item, rank };
  });
  const shown = new Set(ranked.toSorted((one, other) => one.rank - other.rank).slice(0, SHOWN));
  return ranked.filter((one) => shown.has(one)).map(({ item }) => item);
}
