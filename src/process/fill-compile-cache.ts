/**
 * Fills the folder of compiled code that the answer process reads: loads its modules, runs nothing of them, and ends.
 * A process of its own, started by the supervisor once DNS is answered: what is in the folder is code, so the answer
 * process itself must not write there (ADR 0010).
 * Not here: who starts it (supervise.ts).
 */
import module from 'node:module';

await Promise.all([
  import('#base/log.ts'),
  import('#server/answer-service.ts'),
  import('#server/worker-loop.ts'),
  import('#server/tcp/tcp.ts'),
  import('#server/udp/dgram.ts'),
  import('#answer/respond.ts'),
  import('#answer/defence/cookie-secrets.ts'),
  import('#store/reader.ts'),
]);
// These need koffi, which is not everywhere.
const native = [import('#server/udp/mmsg.ts'), import('#server/udp/mmsg-trial.ts')];
await Promise.allSettled([...native, import('#process/confine/kernel.ts')]);
module.flushCompileCache();
