/**
 * The end of the answer process after it has drained: without taking its threads down first.
 *
 * About one stop in a hundred during changes ended in SIGSEGV while a worker thread was taken down: a table of its own, 16 MiB, was mapped no
 * more. It looks as if LMDB (lmdb 3.5.6) unmaps more than its own when a thread closes a store that has grown since it was opened. The
 * process holds nothing that needs an orderly end: it only reads, its sockets are closed, the kernel frees the rest.
 * Not here: draining (worker-loop.ts).
 */

/** Does not return where libc can be called; elsewhere the process ends as Node ends it. */
export async function exitAtOnce(own: NodeJS.Process, code: number): Promise<void> {
  try {
    const { default: koffi } = await import('koffi');
    koffi.load('libc.so.6').func('void _exit(int code)')(code);
  } catch {
    // No koffi, no such libc.
    own.exit(code);
  }
}
