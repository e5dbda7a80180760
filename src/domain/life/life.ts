/** A session, as the admin API describes it. Times are in RFC 3339 form. */
export interface LifeSession {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: string;
  readonly refreshedAt: string;
  readonly expiresAt: string;
  readonly createdIp: string;
  readonly lastIp: string;
  /** The browser or the app in words. */
  readonly userAgent: string;
  readonly generation: number;
  /** The name of the device, as the login or an operator gave it. */
  readonly deviceName?: string;
  /** When and why the session was revoked. */
  readonly endedAt?: string;
  readonly endReason?: string;
}

/** A recorded event of a session, as the admin API describes it. */
export interface LifeEvent {
  readonly id: string;
  readonly time: string;
  readonly type: string;
  readonly userId?: string | null | undefined;
  readonly actor?: { readonly kind: string; readonly name?: string | undefined } | undefined;
  readonly address?: string | null | undefined;
  /** The header, as the client sent it. */
  readonly userAgent?: string | null | undefined;
  readonly generation?: number | null | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}

/** What happened at one moment of a session's life. The kind decides the shape in the picture. */
export type MarkKind =
  | 'login'
  | 'address'
  | 'agent'
  | 'step-up'
  | 'heal'
  | 'replay'
  | 'block'
  | 'end'
  | 'latest'
  | 'note';

/** One moment of a session's life. */
export interface Mark {
  /** The number in the picture and in the table, from 1. */
  readonly number: number;
  readonly kind: MarkKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The day in words, and the day with the time. */
  readonly day: string;
  readonly moment: string;
  readonly generation: number;
  readonly network: string;
  readonly address: string;
  readonly device: string;
  /** Who caused the event; null: the user, or it is not recorded. */
  readonly actor: string | null;
  readonly title: string;
  /** More facts, each a sentence. */
  readonly facts: readonly string[];
}

/** The token that a replay presented: when it was issued, and to which network. */
export interface ReplayedToken {
  readonly generation: number;
  readonly issuedAt: number;
  readonly network: string;
  /** False: the moment is derived from the recorded events around it. */
  readonly isExact: boolean;
}

export interface Replay {
  readonly mark: Mark;
  readonly token: ReplayedToken;
  readonly currentGeneration: number;
}

/** The life of a session: its marks in the order of time, and what they show together. */
export interface Life {
  readonly sessionId: string;
  readonly userId: string;
  readonly marks: readonly Mark[];
  readonly replays: readonly Replay[];
  /** The marks at which a client of the session got tokens. The line of the picture connects them. */
  readonly path: readonly Mark[];
  /** Null while the session lives. */
  readonly end: { readonly at: number; readonly moment: string; readonly reason: string } | null;
}
