/**
 * What a client whose answers get lost can know of its session's recoveries. It is not told whether
 * a lost request had rotated its token, so it supposes the worst: what this holds to be possible is
 * an upper bound, and a session that ends within it was ended by mistake.
 */

/** As in src/sessions/recovery.ts: within 24 hours, and a soak is shorter. */
const MAX_RECOVERIES = 3;

export class LostAnswers {
  /** The current token was sent before without an answer: it may be superseded. */
  #isInDoubt = false;
  /** The current token was the answer to one in doubt, so that a recovery may have given it. */
  #isFromRecovery = false;
  /** How often a token in doubt was sent. */
  #recoveries = 0;

  present(times: number): void {
    if (this.#isInDoubt) this.#recoveries += times;
  }

  /** An answer is missing. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** The answer has the token that was sent, which is current, then. */
  keep(): void {
    this.#isInDoubt = false;
  }

  /** The answer has the next token. */
  step(): void {
    this.#isFromRecovery = this.#isInDoubt;
    this.#isInDoubt = false;
  }

  /** Asked after `present`: whether the service may refuse the token as used twice. */
  mayBeTakenForTheft(): boolean {
    return this.#isInDoubt && (this.#isFromRecovery || this.#recoveries > MAX_RECOVERIES);
  }
}
