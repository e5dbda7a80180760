import { networkOf } from '../network.ts';
import { describeEvent, kindOf } from './describe-event.ts';
import type { Life, LifeEvent, LifeSession, Mark, MarkKind, Replay, ReplayedToken } from './life.ts';
import { dayInWords, momentInWords, reasonInWords } from './words.ts';

/** The kinds of marks at which a client got tokens. */
const ON_PATH: readonly MarkKind[] = ['login', 'address', 'agent', 'step-up', 'heal', 'latest'];

/** The kinds of marks at which a session ends. */
const END: readonly MarkKind[] = ['end', 'replay'];

/** Types that only repeat another event of the same moment, so that the user gets a mail. */
const REPEATED: readonly string[] = ['sessions.started_on_new_device'];

type Draft = Omit<Mark, 'number' | 'day' | 'moment'> & { readonly event: LifeEvent | null };

/** A `User-Agent` in words. */
type DescribeAgent = (userAgent: string) => string;

/** Reads the life of a session at `now` from the session and its recorded events, in any order. */
export function readLife(
  session: LifeSession,
  events: readonly LifeEvent[],
  now: number,
  describeAgent: DescribeAgent,
): Life {
  const sorted = withEnd(session, events)
    .filter(({ type }) => !REPEATED.includes(type))
    .sort((one, other) => Date.parse(one.time) - Date.parse(other.time));
  const drafts = withLogin(session, draftsOf(session, sorted, describeAgent));
  const ended = drafts.find(({ kind }) => END.includes(kind));
  const all = withLatest(session, drafts).map((draft, index) => ({ ...draft, number: index + 1 }));
  const marks = all.map(({ event: _, ...mark }): Mark => {
    const { at } = mark;
    return { ...mark, day: dayInWords(at, now), moment: momentInWords(at, now) };
  });
  const path = marks.filter(({ kind, at }) => ON_PATH.includes(kind) && at <= (ended?.at ?? Infinity));
  return {
    sessionId: session.id,
    userId: session.userId,
    marks,
    path,
    replays: all.flatMap((draft, index) => replayOf(draft, marks[index], path)),
    end: ended === undefined ? expiryOf(session, now) : describeEnd(ended.at, endReason(ended), now),
  };
}

function expiryOf({ expiresAt }: LifeSession, now: number): Life['end'] {
  const at = Date.parse(expiresAt);
  return at <= now ? describeEnd(at, reasonInWords('expired'), now) : null;
}

function describeEnd(at: number, reason: string, now: number): Life['end'] {
  return { at, moment: momentInWords(at, now), reason };
}

/**
 * Describes a session by its events, because its row is gone. Such a session has expired or was revoked.
 *
 * @param events oldest first
 */
export function sessionOfEvents(id: string, events: readonly LifeEvent[]): LifeSession {
  const [first] = events;
  const last = events.at(-1);
  const address = first?.address ?? '';
  return {
    id,
    userId: first?.userId ?? '',
    createdAt: first?.time ?? '',
    refreshedAt: last?.time ?? '',
    expiresAt: last?.time ?? '',
    createdIp: address,
    lastIp: address,
    userAgent: '',
    generation: 0,
  };
}

/** The audit log may keep events for a shorter time than a session lives. Then its row alone tells the end. */
function withEnd({ endedAt, endReason }: LifeSession, events: readonly LifeEvent[]): readonly LifeEvent[] {
  if (endedAt === undefined || events.some((event) => END.includes(kindOf(event)))) return events;
  return [...events, { id: '', time: endedAt, type: 'sessions.revoked', data: { reason: endReason } }];
}

/**
 * An event without a client gets that of the event before it. An event without a generation gets that of the last event
 * at which a client got tokens.
 */
function draftsOf(
  session: LifeSession,
  events: readonly LifeEvent[],
  describeAgent: DescribeAgent,
): readonly Draft[] {
  let before = { address: session.createdIp, device: session.userAgent };
  let lastGeneration = 0;
  return events.map((event) => {
    const kind = kindOf(event);
    const address = event.address ?? before.address;
    const device = event.userAgent == null ? before.device : describeAgent(event.userAgent);
    const generation = generationOf(event, kind) ?? lastGeneration;
    before = { address, device };
    if (ON_PATH.includes(kind)) lastGeneration = generation;
    const facts = { kind, address, device, generation, network: networkOf(address), actor: actorOf(event) };
    return { ...facts, ...describeEvent(event), at: Date.parse(event.time), event };
  });
}

/** The event of the login is missing for a session of an older release, and if the audit log has removed the event. */
function withLogin(session: LifeSession, drafts: readonly Draft[]): readonly Draft[] {
  if (drafts.some(({ kind }) => kind === 'login')) return drafts;
  const [first] = drafts;
  const login: Draft = {
    kind: 'login',
    at: Date.parse(session.createdAt),
    generation: 0,
    network: networkOf(session.createdIp),
    address: session.createdIp,
    device: first?.device ?? session.userAgent,
    actor: null,
    title: 'Login',
    facts: [],
    event: null,
  };
  return [login, ...drafts];
}

/** Plain rotations are not recorded, so the row of the session gives the last rotation. */
function withLatest(session: LifeSession, drafts: readonly Draft[]): Draft[] {
  const at = Date.parse(session.refreshedAt);
  const isRecorded = drafts.some(
    ({ kind, generation }) => ON_PATH.includes(kind) && generation >= session.generation,
  );
  if (isRecorded || session.generation === 0) return [...drafts];
  const latest: Draft = {
    kind: 'latest',
    at,
    generation: session.generation,
    network: networkOf(session.lastIp),
    address: session.lastIp,
    device: session.userAgent,
    actor: null,
    title: 'Last refresh',
    facts: ['The current pair was issued here.'],
    event: null,
  };
  return [...drafts.filter((draft) => draft.at <= at), latest, ...drafts.filter((draft) => draft.at > at)];
}

function replayOf({ kind, event }: Draft, mark: Mark | undefined, path: readonly Mark[]): readonly Replay[] {
  if (kind !== 'replay' || mark === undefined) return [];
  const currentGeneration = numberOf(event?.generation) ?? path.at(-1)?.generation ?? mark.generation;
  return [{ mark, currentGeneration, token: tokenOf(mark, event?.data?.presentedIat, path) }];
}

/** `iat` is the claim of the token, in seconds; unknown in events of older releases. */
function tokenOf({ generation, at }: Mark, iat: unknown, path: readonly Mark[]): ReplayedToken {
  const seconds = numberOf(iat);
  const claimedAt = seconds === null ? (estimateMoment(path, generation) ?? at) : seconds * 1_000;
  // `iat` has no milliseconds, so the login or refresh that issued the token can seem to come up to a second later.
  const holder = path
    .filter((point) => point.at < claimedAt + 1_000 && point.generation <= generation)
    .at(-1);
  const issuedAt = Math.max(claimedAt, holder?.at ?? claimedAt);
  return { generation, issuedAt, network: (holder ?? path[0])?.network ?? '', isExact: seconds !== null };
}

/** When the line of the picture reaches a generation; null if it never does. */
function estimateMoment(path: readonly Mark[], generation: number): number | null {
  const next = path.findIndex((point) => point.generation >= generation);
  const [to, from] = [path[next], path[next - 1]];
  if (to === undefined) return null;
  if (from === undefined || to.generation === from.generation) return to.at;
  const share = (generation - from.generation) / (to.generation - from.generation);
  return from.at + share * (to.at - from.at);
}

/** A replay has the generation of its token. Any other event has the generation of the session after the change. */
function generationOf({ generation, data = {} }: LifeEvent, kind: MarkKind): number | null {
  return numberOf(kind === 'replay' ? data.presentedGeneration : generation);
}

function actorOf({ actor }: LifeEvent): string | null {
  if (actor === undefined || actor.kind === 'user') return null;
  return actor.name === undefined
    ? actor.kind.replaceAll('_', ' ')
    : `${actor.kind.replaceAll('_', ' ')} ${actor.name}`;
}

function endReason({ kind, event }: Draft): string {
  return reasonInWords(kind === 'replay' ? 'reuse' : String(event?.data?.reason ?? ''));
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
