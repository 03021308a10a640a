/** A process for signer files that takes a job and never ends it, nor listens to anyone. */
process.once('message', () => {
  for (;;);
});
