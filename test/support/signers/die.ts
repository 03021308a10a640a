/** A process for signer files that dies of its job. */
process.once('message', () => process.exit(3));
