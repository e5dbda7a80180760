import type { LifeEvent, MarkKind } from './life.ts';
import { reasonInWords } from './words.ts';

interface Description {
  readonly title: string;
  readonly facts: readonly string[];
}

type Describe = (data: Readonly<Record<string, unknown>>) => Description;

const KINDS: Readonly<Record<string, readonly [MarkKind, Describe]>> = {
  'sessions.started': ['login', () => ({ title: 'Login', facts: [] })],
  'sessions.address_changed': [
    'address',
    ({ previousAddress }) => ({ title: 'New address', facts: previousValue(previousAddress) }),
  ],
  'sessions.user_agent_changed': [
    'agent',
    ({ previousUserAgent }) => ({ title: 'New device', facts: previousValue(previousUserAgent) }),
  ],
  'sessions.stepped_up': [
    'step-up',
    ({ amr, acr }) => ({ title: 'Step-up', facts: [`Proven by ${methodList(amr)}, level ${textOf(acr)}.`] }),
  ],
  'sessions.healed': [
    'heal',
    ({ storedGeneration, presentedGeneration }) => ({
      title: 'Healed',
      facts: [
        `The database had generation ${textOf(storedGeneration)}, and the client presented ${textOf(presentedGeneration)}.`,
      ],
    }),
  ],
  'sessions.reuse_detected': [
    'replay',
    ({ presentedGeneration }) => ({
      title: 'Replayed token',
      facts: [
        `The token of generation ${textOf(presentedGeneration)} came back after its rotation.`,
        'The request was refused, and the session ended.',
      ],
    }),
  ],
  'sessions.dpop_refused': [
    'block',
    ({ reason }) => ({
      title: 'Refused without the key',
      facts: [reason === 'missing' ? 'The proof was missing.' : 'The proof was made with another key.'],
    }),
  ],
  'sessions.revoked': [
    'end',
    ({ reason }) => ({ title: 'Ended', facts: [`Reason: ${reasonInWords(textOf(reason))}.`] }),
  ],
};

const BLOCKED: Description = {
  title: 'Blocked address',
  facts: ['The session may be used only from the network of its login. The request was refused.'],
};

export function kindOf({ type, data }: LifeEvent): MarkKind {
  return data?.blocked === true ? 'block' : (KINDS[type]?.[0] ?? 'note');
}

/** The title and the facts of an event, for operators. An event of an unknown type keeps its name. */
export function describeEvent({ type, data = {} }: LifeEvent): Description {
  if (data.blocked === true) return BLOCKED;
  return KINDS[type]?.[1](data) ?? { title: type, facts: [] };
}

function previousValue(value: unknown): readonly string[] {
  return typeof value === 'string' && value !== '' ? [`Before: ${value}.`] : [];
}

function methodList(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.map(textOf).join(', ') : 'an unknown method';
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? 'unknown' : String(value);
}
