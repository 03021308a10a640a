/** Reports about example.com, as OpenAPI shows them. */

/** RFC 9990 §A. */
export const DMARC_REPORT_EXAMPLE = `<?xml version="1.0" encoding="utf-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <report_metadata>
    <org_name>Receiver</org_name><email>reports@receiver.example</email><report_id>20260101.1</report_id>
    <date_range><begin>1767225600</begin><end>1767311999</end></date_range>
  </report_metadata>
  <policy_published><domain>example.com</domain><p>none</p></policy_published>
  <record>
    <row>
      <source_ip>192.0.2.25</source_ip><count>12</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated>
    </row>
    <identifiers><header_from>example.com</header_from></identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><selector>r20260101a</selector><result>pass</result></dkim>
      <spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>
    </auth_results>
  </record>
</feedback>
`;

/** RFC 8460 §4.4. */
export const TLS_REPORT_EXAMPLE = `{
  "organization-name": "Sender",
  "contact-info": "tls-reports@sender.example",
  "report-id": "20260101.1",
  "date-range": { "start-datetime": "2026-01-01T00:00:00Z", "end-datetime": "2026-01-01T23:59:59Z" },
  "policies": [{
    "policy": { "policy-type": "sts", "policy-domain": "example.com", "mx-host": ["mx1.example.com"] },
    "summary": { "total-successful-session-count": 995, "total-failure-session-count": 0 }
  }]
}
`;
