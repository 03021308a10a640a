/** Faults of DANE on port 25 and 443, and of STARTTLS (RFC 7672 §2.2, RFC 3207 §4). */
import { testFaults } from '../../support/doctor-faults.ts';

testFaults('tlsa');
