/** Brings a user who has rows in several homes, or is on the way to another, to one home. */
import type { UserLocation } from '../homes/location';
import { moveSubject } from '../homes/move';
import type { Caller } from './caller';
import { report, writeContextOf } from './report';
import type { Service } from './service';

/** Brings a user to the one home that is theirs. */
export async function finishMoves(
  caller: Caller,
  service: Service,
  { userId, begunMoves, dueMoves }: Pick<UserLocation, 'userId' | 'begunMoves' | 'dueMoves'>,
): Promise<void> {
  for (const { from, to } of [...begunMoves, ...dueMoves]) {
    const [source, target] = [from, to].map((name) => service.findHome(name, caller));
    if (!source || !target || userId === null) continue;
    report(
      caller,
      target,
      await moveSubject(source, target, { subject: userId }, writeContextOf(caller, service)),
    );
    console.warn(
      JSON.stringify({
        level: 'warn',
        event: 'move_finished',
        request_id: caller.requestId,
        from,
        to,
      }),
    );
  }
}
