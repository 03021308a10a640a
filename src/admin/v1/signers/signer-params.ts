/** The signer in the path of a URL. */
import { Type } from 'typebox';

/** `example`: one of the signers of the example zone, in whose way of delivery the route makes sense. */
export function signerParams(example: string) {
  return { signer: Type.String({ description: 'name of the signer', examples: [example] }) };
}
