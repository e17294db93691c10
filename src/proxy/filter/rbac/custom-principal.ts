import type { Fields } from '../../config/fields.ts';
import type { ConnectionPeers } from '../../http/stream-info.ts';
import { readExtension } from '../../match/tree/tree.ts';
import { alternativeNames } from '../../tls/names.ts';
import { readTypedName } from '../../tls/validation.ts';

const MTLS = 'envoy.extensions.rbac.principals.mtls_authenticated.v3.Config';

type PrincipalTest = (subject: { readonly peers: ConnectionPeers }) => boolean;

/** Reads the `custom` of a principal: a verified client certificate, one of whose names passes where that is asked for. */
export function readCustomPrincipal(fields: Fields): PrincipalTest {
  let test: PrincipalTest = () => false;
  readExtension(fields, [MTLS], (config) => {
    const any = config.flag('any_validated_client_certificate');
    const passes = config.message('san_matcher', readTypedName);
    if (!any && !passes) {
      const fault = 'did not have any configured validation. At least one configuration field must be set.';
      config.problem('', `envoy.rbac.principals.mtls_authenticated ${fault}`);
    }
    test = ({ peers: { tls } }) => {
      if (!tls?.validated || !tls.peer) return false;
      return !passes || alternativeNames(tls.peer).some(passes);
    };
    return true;
  });
  return test;
}
