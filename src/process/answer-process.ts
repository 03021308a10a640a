/**
 * Entry of the answer process, started by the supervisor: `answer-process.ts json|text LEVEL [XDP]`, XDP being
 * what the launcher has opened (confine/launch.ts). All it does is in server/answer-service.ts.
 */
import { ANSWER_SLOTS } from '#answer/count/counters.ts';
import { logCrashes } from '#base/exit.ts';
import { type LogLevel, createLog } from '#base/log.ts';
import { writeNotice } from '#process/confine/notice.ts';
import { isLoadedOnly, siblingModule } from '#base/sibling.ts';
import { runAnswerService } from '#server/answer-service.ts';
import { levelOf } from '#server/service-log.ts';
import type { OpenedXdp } from '#server/udp/xdp-open.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

if (!isLoadedOnly()) run();

function run(): void {
  process.title = 'waxseal answer';
  const [, , form, wanted, xdp] = process.argv;
  const format = form === 'text' ? 'text' : 'json';
  const level = LEVELS.find((each) => each === wanted) ?? 'info';
  const log = createLog({ level, format, fields: { process: 'answer' } });
  if (format === 'json') logCrashes(process, (how, event, message, fields) => log[how](event, message, fields));
  runAnswerService({
    own: process,
    workerScript: siblingModule(import.meta.resolve('#server/worker.ts'), 'worker'),
    responderSlots: ANSWER_SLOTS,
    xdp: xdp === undefined ? undefined : (JSON.parse(xdp) as OpenedXdp),
    logQuery({ name = '-', type = '-', ...rest }) {
      log.info('dns.query', `${name} ${type}`, { name, type, ...rest });
    },
    log: (event, text) => {
      const how = levelOf(event);
      if (format === 'text') process.stderr.write(`waxseal: answer: ${text}\n`);
      if (format === 'text' || !log.pino.isLevelEnabled(how)) return;
      writeNotice('json', { level: how, process: 'answer', event, message: text });
    },
  });
}
