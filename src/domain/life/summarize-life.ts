import { plural } from '../plural.ts';
import type { Life, Mark, Replay } from './life.ts';
import { durationInWords, reasonInWords } from './words.ts';

const REUSE = reasonInWords('reuse');

export interface Fact {
  readonly question: string;
  readonly answer: string;
}

/** The summary of a life: a sentence, and the answers to the first questions of an operator. */
export interface LifeSummary {
  readonly state: 'stolen' | 'refused' | 'ended' | 'live';
  readonly headline: string;
  readonly facts: readonly Fact[];
}

/** Summarizes a life. States only what the events show: reuse does not reveal which copy is the thief's. */
export function summarizeLife(life: Life): LifeSummary {
  const [replay] = life.replays;
  if (replay !== undefined) return summarizeTheft(life, replay);
  const blocked = life.marks.filter(({ kind }) => kind === 'block');
  return {
    state: stateOf(life, blocked),
    headline: headlineOf(life, blocked),
    facts: [...describeNetworks(life), describeEnd(life)],
  };
}

function stateOf({ end }: Life, blocked: readonly Mark[]): LifeSummary['state'] {
  if (end?.reason === REUSE) return 'stolen';
  if (blocked.length > 0) return 'refused';
  return end === null ? 'live' : 'ended';
}

function headlineOf(life: Life, blocked: readonly Mark[]): string {
  if (life.end?.reason === REUSE)
    return 'Stolen: a token came back after it was rotated. The audit log no longer has the event.';
  const [first] = blocked;
  if (first !== undefined) return `Requests from ${first.address} were refused. No token was replayed.`;
  return life.end === null
    ? 'This session lives. No token was replayed.'
    : `This session has ended: ${life.end.reason}. No token was replayed.`;
}

function summarizeTheft(life: Life, replay: Replay): LifeSummary {
  const { mark, token, currentGeneration } = replay;
  return {
    state: 'stolen',
    headline: `Stolen: the token of generation ${token.generation} came back when generation ${currentGeneration} was current.`,
    facts: [
      { question: 'From where?', answer: describeOrigin(life, mark) },
      { question: 'What was copied?', answer: describeCopy(replay) },
      { question: 'What did it reach?', answer: describeReach(life, mark) },
      describeEnd(life),
    ],
  };
}

function describeOrigin(life: Life, { address, network, device, moment }: Mark): string {
  const known = life.path.some((point) => point.network === network);
  const place = known ? 'a network that this session used before' : 'a network that never got a token';
  return `${address}, ${device}, on ${moment}. The address is in ${place}.`;
}

function describeCopy({ token, mark }: Replay): string {
  const about = token.isExact ? '' : 'about ';
  const age = durationInWords(mark.at - token.issuedAt);
  return `A refresh token issued ${about}${age} earlier, to ${token.network}. Two parties hold it.`;
}

/** The replay got no token. But the current pair may be a thief's, if the thief refreshed before the user. */
function describeReach(life: Life, { network }: Mark): string {
  const refused = 'The replay was refused and got no token.';
  const holder = life.path.at(-1);
  if (holder === undefined || holder.network === network)
    return `${refused} The current pair was in the same network, so look for the copy on that device.`;
  const first = life.path.find((point) => point.network === holder.network) ?? holder;
  const time = durationInWords((life.end?.at ?? holder.at) - first.at);
  const had = `The current pair was in ${holder.network} (${holder.device}), which got tokens for ${time}`;
  const isKnown = life.path.some((point) => point.network === network);
  return isKnown
    ? `${refused} ${had}. If that is not the user, that party had access.`
    : `${refused} ${had}.`;
}

function describeNetworks(life: Life): readonly Fact[] {
  const networks = new Set(life.path.map((point) => point.network));
  const last = life.path.at(-1);
  if (last === undefined) return [];
  const answer = `${plural(networks.size, 'network')} got tokens. The last one was ${last.address}, ${last.device}, on ${last.moment}.`;
  return [{ question: 'From where?', answer }];
}

function describeEnd({ end }: Life): Fact {
  const question = 'Is it over?';
  if (end === null) return { question, answer: 'No. The session lives, and its client can refresh it.' };
  const cause = end.reason === REUSE ? 'at the replay' : `(${end.reason})`;
  return {
    question,
    answer: `The session ended ${cause} on ${end.moment}. Access tokens that were already issued work until they expire where their signature alone is checked.`,
  };
}
