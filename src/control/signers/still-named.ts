/** Mail policies that name a signer which is being removed, with the server up or down. */
import { type Problem } from '#base/problem.ts';
import { type Name, nameOf } from '#dns/name.ts';
import { absentSigners } from '#mail/dkim/signers.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { type StoreReader } from '#store/reader.ts';
import { type SignerRecord } from '#control/api/signers.ts';

/** Who knows which signers a zone's mail policy names; undefined: it has no policy. */
export interface PolicySigners {
  policySigners(zone: Name): readonly string[] | undefined;
}

/** A warning for each domain of the signer whose policy will wait for it in vain. */
export function stillNamed({ name, domains }: Pick<SignerRecord, 'name' | 'domains'>, mail: PolicySigners): Problem[] {
  return domains.flatMap((domain) => {
    const zone = nameOf(domain);
    return mail.policySigners(zone)?.includes(name) === true ? absentSigners([name], new Map(), zone) : [];
  });
}

/** As the store has it. */
export function storedPolicySigners(reader: StoreReader): PolicySigners {
  return {
    policySigners(zone) {
      const record = reader.zoneByName(zone);
      return record === undefined ? undefined : readMailPolicy(reader, record)?.dkim.signers;
    },
  };
}
