/**
 * A command of the operator's: started with the message as JSON on its standard input and its main parts in the
 * environment, as a program with arguments and never by a shell.
 * Not here: trying again (deliveries.ts).
 */
import { spawn } from 'node:child_process';
import { type AlertTarget, messageLine, parseMessage } from './targets.ts';

/** `words`: the program, absolute, and its arguments. */
export function commandTarget(words: readonly [string, ...string[]]): AlertTarget {
  const [program, ...rest] = words;
  return {
    name: `command ${program}`,
    send(id, body, signal) {
      const message = parseMessage(body);
      const { severity, rule, zone = '' } = message.data;
      const env = {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        WAXSEAL_ALERT_ID: id,
        WAXSEAL_ALERT_TYPE: message.type,
        WAXSEAL_ALERT_SEVERITY: severity,
        WAXSEAL_ALERT_RULE: rule,
        WAXSEAL_ALERT_ZONE: zone,
        WAXSEAL_ALERT_TEXT: messageLine(message),
      };
      return new Promise((resolve, reject) => {
        // Its output goes nowhere: a command that is left behind must not hold a pipe of this process.
        const child = spawn(program, rest, {
          env,
          cwd: '/',
          stdio: ['pipe', 'ignore', 'ignore'],
          signal,
          killSignal: 'SIGKILL',
        });
        child.on('error', (error) => reject(new Error(signal.aborted ? 'it did not end in time' : error.message)));
        child.on('exit', (code, killed) => {
          if (code === 0) resolve();
          else
            reject(
              new Error(code === null ? `it was ended by ${killed ?? 'a signal'}` : `it ended with exit code ${code}`),
            );
        });
        // One that does not read is no fault.
        child.stdin.on('error', () => {});
        child.stdin.end(body);
      });
    },
  };
}
