import { type Fields, isObject, typeName } from '../config/fields.ts';
import { readMutationAction } from '../filter/header-mutation/header-mutation.ts';
import type { HeaderMutation } from '../route/mutation.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readClientAddress } from './client-address.ts';
import { readClientCertificate } from './client-certificate.ts';
import type { HostOptions } from './host.ts';
import type { HttpManager, HttpManagerContext } from './manager.ts';
import type { EscapedSlashes, PathOptions } from './path.ts';
import { readRequestIds } from './request-id.ts';

/** How a connection manager changes requests before they are routed. */
export type Shaping = Pick<
  HttpManager,
  | 'addresses'
  | 'earlyMutations'
  | 'appendForwardedPort'
  | 'scheme'
  | 'matchUpstreamScheme'
  | 'clientCertificate'
  | 'userAgent'
  | 'via'
  | 'requestIds'
  | 'path'
  | 'host'
>;

/** Reads the fields of a connection manager that say how requests are changed before they are routed. */
export function readRequestShaping(
  fields: Fields,
  { node, runtime }: Pick<HttpManagerContext, 'node' | 'runtime'>,
): Shaping {
  // Envoy reads it but acts on the single options only.
  fields.ignore('path_normalization_options');
  const early = fields.list('early_header_mutation_extensions', readEarlyMutation).flat();
  return {
    addresses: readClientAddress(fields),
    earlyMutations: early.length > 0 ? early : undefined,
    appendForwardedPort: fields.flag('append_x_forwarded_port'),
    ...(fields.message('scheme_header_transformation', readScheme) ?? { scheme: '', matchUpstreamScheme: false }),
    clientCertificate: readClientCertificate(fields),
    userAgent: fields.flag('add_user_agent') ? { cluster: node.cluster, node: node.id } : undefined,
    via: fields.text('via'),
    requestIds: readRequestIds(fields),
    path: readPath(fields, runtime),
    host: readHost(fields),
  };
}

function readScheme(fields: Fields): Pick<HttpManager, 'scheme' | 'matchUpstreamScheme'> {
  const overwrites = fields.has('scheme_to_overwrite');
  return {
    scheme: overwrites ? fields.choice('scheme_to_overwrite', ['http', 'https']) : '',
    matchUpstreamScheme: fields.flag('match_upstream'),
  };
}

const ESCAPED_SLASHES: readonly (EscapedSlashes | 'IMPLEMENTATION_SPECIFIC_DEFAULT')[] = [
  'IMPLEMENTATION_SPECIFIC_DEFAULT',
  'KEEP_UNCHANGED',
  'REJECT_REQUEST',
  'UNESCAPE_AND_REDIRECT',
  'UNESCAPE_AND_FORWARD',
];

function readPath(fields: Fields, runtime: Runtime): PathOptions | undefined {
  const written = fields.choice('path_with_escaped_slashes_action', [
    'IMPLEMENTATION_SPECIFIC_DEFAULT',
    'KEEP_UNCHANGED',
    'REJECT_REQUEST',
    'UNESCAPE_AND_REDIRECT',
    'UNESCAPE_AND_FORWARD',
  ]);
  const chosen =
    written === 'IMPLEMENTATION_SPECIFIC_DEFAULT'
      ? ESCAPED_SLASHES[runtime.integer('http_connection_manager.path_with_escaped_slashes_action', 0)]
      : written;
  const escapedSlashes =
    chosen === undefined || chosen === 'IMPLEMENTATION_SPECIFIC_DEFAULT' ? 'KEEP_UNCHANGED' : chosen;
  const normalize =
    fields.boolean('normalize_path') ?? runtime.integer('http_connection_manager.normalize_path', 0) > 0;
  const mergeSlashes = fields.flag('merge_slashes');
  if (!normalize && !mergeSlashes && escapedSlashes === 'KEEP_UNCHANGED') return undefined;
  return { normalize, mergeSlashes, escapedSlashes };
}

function readHost(fields: Fields): HostOptions | undefined {
  const any = fields.flag('strip_any_host_port');
  const matching = fields.flag('strip_matching_host_port');
  const stripTrailingDot = fields.flag('strip_trailing_host_dot');
  if (!any && !matching && !stripTrailingDot) return undefined;
  return { stripPort: any ? 'any' : matching ? 'matching' : 'none', stripTrailingDot };
}

const EARLY_MUTATION = 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';

function readEarlyMutation(fields: Fields): readonly HeaderMutation[] {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type !== EARLY_MUTATION) {
    fields.problem('typed_config', `${JSON.stringify(type)} is not supported by ciliate-proxy`, EARLY_MUTATION);
    return [];
  }
  return (
    fields.message('typed_config', (inner) => inner.list('mutations', (one) => readMutationAction(one, 'request'))) ??
    []
  );
}
