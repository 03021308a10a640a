/** Entry of the answer process, forked by the supervisor. All it does is in answer-service.ts. */
import { ANSWER_SLOTS } from '#answer/counters.ts';
import { createLog } from '#base/log.ts';
import { siblingModule } from '#base/sibling.ts';
import { runAnswerService } from './answer-service.ts';

process.title = 'waxseal answer';
const log = createLog({ level: 'info', fields: { process: 'answer' } });
runAnswerService({
  own: process,
  workerScript: siblingModule(import.meta.url, 'worker'),
  responderSlots: ANSWER_SLOTS,
  logQuery: ({ name = '-', type = '-', ...rest }) => log.info('dns.query', `${name} ${type}`, { name, type, ...rest }),
  log: (text) => process.stderr.write(`waxseal: answer: ${text}\n`),
});
