import type { Fields } from '../../config/fields.ts';
import { compileFormat, type Formatter } from '../../format/substitution.ts';

/** A compiled `envoy.config.core.v3.GrpcService` that goes to a cluster. */
export interface GrpcService {
  readonly cluster: string;
  /** What the call names as its `:authority`. */
  readonly authority: string;
  readonly metadata: readonly { readonly name: string; readonly value: Formatter }[];
  /** The call says that it is the proxy's own. */
  readonly marked: boolean;
  /** Milliseconds for a call, 0 for none; undefined: nothing is said. */
  readonly timeout: number | undefined;
}

/** Reads an `envoy.config.core.v3.GrpcService` of a filter that makes calls. */
export function readGrpcService(fields: Fields): GrpcService {
  const timeout = fields.duration('timeout');
  const metadata = fields.list('initial_metadata', readMetadataField);
  const target =
    fields.oneOf('target_specifier', ['envoy_grpc']) &&
    fields.message('envoy_grpc', (inner) => ({
      cluster: inner.required('cluster_name'),
      authority: inner.text('authority'),
      marked: !inner.flag('skip_envoy_headers'),
    }));
  const { cluster = '', authority = '', marked = true } = target ?? {};
  return { cluster, authority: authority || cluster, marked, metadata, timeout };
}

/** An `envoy.config.core.v3.HeaderValue`, whose value is a format. */
export function readMetadataField(fields: Fields): GrpcService['metadata'][number] {
  const name = fields.required('key').toLowerCase();
  const compiled = compileFormat(Buffer.from(fields.text('value'), 'utf8').toString('latin1'), '');
  if (compiled.ok) return { name, value: compiled.value };
  fields.problem('value', compiled.error);
  return { name, value: () => '' };
}

export const NO_GRPC_SERVICE: GrpcService = {
  cluster: '',
  authority: '',
  marked: true,
  metadata: [],
  timeout: undefined,
};
