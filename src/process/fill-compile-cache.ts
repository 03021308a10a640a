/**
 * Fills the folder of compiled code that the answer process reads: loads its modules, runs nothing of them, and ends.
 * A process of its own, started by the supervisor once DNS is answered, with LOAD_ONLY as its argument: what is in the
 * folder is code, so the answer process itself must not write there (ADR 0010).
 * Not here: who starts it (supervise.ts).
 */
import module from 'node:module';

await Promise.all([
  import('./answer-process.ts'),
  import('#process/confine/confined.ts'),
  import('#process/confine/filter.ts'),
  import('#process/confine/serving-rules.ts'),
  import('#server/worker.ts'),
]);
// These need koffi, which is not everywhere.
const udp = [import('#server/udp/mmsg.ts'), import('#server/udp/mmsg-trial.ts')];
const tcp = [import('#server/tcp/epoll.ts'), import('#server/tcp/epoll-trial.ts')];
await Promise.allSettled([...udp, ...tcp, import('#process/confine/kernel.ts')]);
module.flushCompileCache();
