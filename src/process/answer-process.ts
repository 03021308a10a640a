/**
 * Entry of the answer process, started by the supervisor: `answer-process.ts json|text`. All it does is in
 * server/answer-service.ts.
 */
import { ANSWER_SLOTS } from '#answer/count/counters.ts';
import { createLog } from '#base/log.ts';
import { siblingModule } from '#base/sibling.ts';
import { runAnswerService } from '#server/answer-service.ts';

process.title = 'waxseal answer';
const format = process.argv[2] === 'text' ? 'text' : 'json';
const log = createLog({ level: 'info', format, fields: { process: 'answer' } });
runAnswerService({
  own: process,
  workerScript: siblingModule(import.meta.resolve('#server/worker.ts'), 'worker'),
  responderSlots: ANSWER_SLOTS,
  logQuery: ({ name = '-', type = '-', ...rest }) => log.info('dns.query', `${name} ${type}`, { name, type, ...rest }),
  log: (text) => process.stderr.write(`waxseal: answer: ${text}\n`),
});
