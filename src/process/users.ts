/**
 * The users that `[process]` names, as numbers: which process runs as whom.
 * Implements: passwd(5). Users of other sources (LDAP) are named by number.
 * Not here: becoming them (privileges.ts, confine/identity.ts), their right to files (shared-files.ts).
 */
import { readFileSync } from 'node:fs';
import { WHOLE, atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type ProcessSettings } from '#config/process.ts';
import { type Account } from '#process/confine/identity.ts';

export interface Accounts {
  /** Of the supervisor, the control process and, unless it has its own, the answer process; absent: it stays. */
  readonly server: Account | undefined;
  /** Of the answer process alone; absent: the same as the others. */
  readonly answer: Account | undefined;
}

/** Numbers of users and groups end here; the last one means "none". */
const NO_ID = 0xffff_ffff;

export interface FindOptions {
  /** The effective user of this process; undefined where the system has none. */
  readonly uid: number | undefined;
  /** The configuration file, for messages. */
  readonly file: string | undefined;
  readonly passwd?: string;
}

/** Whom the processes become. Only root can become another; any user can be the one that it is. */
export function findAccounts({ user, answerUser }: ProcessSettings, options: FindOptions): Result<Accounts> {
  const { uid, file, passwd = readPasswd() } = options;
  const problems: Problem[] = [];
  const at = file === undefined ? WHOLE : atPath(file, 'the configuration file');
  const wrong = (key: string, text: string, why: string, fix: string): undefined => {
    problems.push(problem('PROCESS_USER', at, `${key}: ${JSON.stringify(text)} ${why}`, { fix }));
    return undefined;
  };
  const find = (key: string, text: string | undefined): Account | undefined => {
    if (text === undefined) return undefined;
    const account = findAccount(text, passwd);
    if (account === undefined)
      return wrong(key, text, 'is not a user of this machine', 'name one of /etc/passwd, or give numbers as uid:gid');
    if (account.uid === 0) return wrong(key, text, 'is root', 'name a user without rights of its own');
    if (uid === 0) return account;
    if (uid === account.uid) return undefined;
    const why = `is another user than that of the server (uid ${uid ?? 'unknown'})`;
    return wrong(key, text, why, 'start the server as root');
  };
  const [server, answer] = [find('process.user', user), find('process.answer_user', answerUser)];
  if (problems.length > 0) return fail(...problems);
  return ok({ server, answer: answer?.uid === server?.uid ? undefined : answer });
}

/** `name`, `uid` or `uid:gid`; undefined when there is none such. */
export function findAccount(text: string, passwd: string): Account | undefined {
  const numbers = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const entries = passwd.split('\n').map((line) => line.split(':'));
  if (numbers === null) {
    const entry = entries.find(([name]) => name === text);
    return entry === undefined ? undefined : accountOf(Number(entry[2]), Number(entry[3]));
  }
  const uid = Number(numbers[1]);
  // A number without an entry has the group of the same number, as containers have it.
  const group = numbers[2] ?? entries.find((entry) => entry.length > 3 && Number(entry[2]) === uid)?.[3] ?? numbers[1];
  return accountOf(uid, Number(group));
}

function accountOf(uid: number, gid: number): Account | undefined {
  const isId = (id: number) => Number.isSafeInteger(id) && id >= 0 && id < NO_ID;
  return isId(uid) && isId(gid) ? { uid, gid } : undefined;
}

/** The text of /etc/passwd; empty where there is none. */
export function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
