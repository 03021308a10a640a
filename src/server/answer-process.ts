/** Entry of the answer process, forked by the supervisor. All it does is in answer-service.ts. */
import { ANSWER_SLOTS } from '#answer/counters.ts';
import { siblingModule } from '#base/sibling.ts';
import { runAnswerService } from './answer-service.ts';

process.title = 'waxseal answer';
runAnswerService({
  own: process,
  workerScript: siblingModule(import.meta.url, 'worker'),
  responderSlots: ANSWER_SLOTS,
  log: (text) => process.stderr.write(`waxseal: answer: ${text}\n`),
});
