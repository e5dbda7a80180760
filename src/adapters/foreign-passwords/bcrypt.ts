import { verify } from '@node-rs/bcrypt';
import type { HashVerifier } from '../../ports/security/hash-verifier.ts';

/** The highest accepted cost. Each step of the cost doubles the time. */
const MAX_COST = 15;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Verifies bcrypt (`$2a$`, `$2b$`, `$2y$`), which uses only the first 72 bytes of a password. */
export const bcrypt: HashVerifier = {
  kindOf(passwordHash) {
    const cost = Number(BCRYPT.exec(passwordHash)?.[1]);
    return cost >= 4 && cost <= MAX_COST ? `bcrypt-${cost}` : null;
  },
  verify: (passwordHash, password) => verify(password, passwordHash),
};
