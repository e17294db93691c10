import type { Fields } from '../../config/fields.ts';
import { readStringMatcher } from '../../match/strings.ts';
import { readExtension } from '../../match/tree/tree.ts';

const MTLS = 'envoy.extensions.rbac.principals.mtls_authenticated.v3.Config';

/** Checks the `custom` of a principal: a client certificate, which no connection without TLS presents. */
export function checkCustomPrincipal(fields: Fields): void {
  readExtension(fields, [MTLS], (config) => {
    const any = config.flag('any_validated_client_certificate');
    const san = config.message('san_matcher', (inner) => {
      inner.ignore('san_type', 'oid');
      inner.message('matcher', readStringMatcher);
      return true;
    });
    if (!any && !san) {
      const fault = 'did not have any configured validation. At least one configuration field must be set.';
      config.problem('', `envoy.rbac.principals.mtls_authenticated ${fault}`);
    }
    return true;
  });
}
