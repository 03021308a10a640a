/**
 * The supervisor when it is started as root and runs as another user: it stays able to be root, for the moments in
 * which it starts a child that becomes a user of its own, or signals one.
 * Implements: credentials(7), the saved user id.
 * Not here: the children, which become what they are for good (confine/identity.ts).
 */
import { type Account } from '#process/confine/identity.ts';

/** Runs `work` with the rights that starting and signalling children needs. */
export type WithRights = <T>(work: () => T) => T;

/** From now on this process acts as `account`; without one nothing changes. Throws the system's error. */
export function actAs(own: NodeJS.Process, account: Account | undefined): WithRights {
  if (account === undefined) return (work) => work();
  own.setgroups?.([account.gid]);
  const become = ({ uid, gid }: Account) => {
    own.setegid?.(gid);
    own.seteuid?.(uid);
  };
  become(account);
  return (work) => {
    own.seteuid?.(0);
    own.setegid?.(0);
    try {
      return work();
    } finally {
      become(account);
    }
  };
}
