import type { Fields } from '../config/fields.ts';
import { type Chance, readRuntimeFraction } from '../runtime/read.ts';
import type { RouteContext } from './context.ts';
import { type HeaderMutation, readHeaderOption } from './mutation.ts';

/** `RouteAction.RequestMirrorPolicy`: another cluster gets a copy of the request, whose answer nobody reads. */
export interface MirrorPolicy {
  /** Empty: the header names it. */
  readonly cluster: string;
  readonly header: string;
  readonly happens: Chance;
  readonly suffix: boolean;
  /** Empty: the request's own host. */
  readonly host: string;
  readonly mutations: readonly HeaderMutation[];
  /** Whether a span of the copy is recorded; undefined: as for the request. */
  readonly sampled: boolean | undefined;
}

export type MirrorContext = Pick<RouteContext, 'runtime' | 'hasCluster'>;

export function readMirrors(fields: Fields, context: MirrorContext): readonly MirrorPolicy[] {
  return fields.list('request_mirror_policies', (policy) => readMirror(policy, context));
}

function readMirror(fields: Fields, { runtime, hasCluster }: MirrorContext): MirrorPolicy {
  const cluster = fields.text('cluster');
  const header = fields.text('cluster_header').toLowerCase();
  if (cluster === '' && header === '') {
    fields.problem('', 'Exactly one of cluster or cluster_header in request mirror policy need to be specified');
  } else if (cluster !== '' && header !== '') {
    const both = `Only one of cluster '${cluster}' or cluster_header '${header}' in request mirror policy can be specified`;
    fields.problem('', both);
  }
  if (cluster !== '' && !(hasCluster?.(cluster) ?? true)) {
    fields.problem('cluster', `route: unknown shadow cluster '${cluster}'`);
  }
  return {
    cluster,
    header,
    happens: fields.message('runtime_fraction', (inner) => readRuntimeFraction(inner, runtime)) ?? (() => true),
    suffix: !fields.flag('disable_shadow_host_suffix_append'),
    host: fields.text('host_rewrite_literal'),
    mutations: fields.list('request_headers_mutations', readMutation),
    sampled: fields.boolean('trace_sampled'),
  };
}

/** Reads an `envoy.config.common.mutation_rules.v3.HeaderMutation`. */
function readMutation(fields: Fields): HeaderMutation {
  switch (fields.oneOf('action', ['remove', 'append'])) {
    case 'remove':
      return { add: [], remove: [fields.text('remove').toLowerCase()] };
    case 'append': {
      const option = fields.message('append', (one) => readHeaderOption(one, 'request'));
      return { add: option ? [option] : [], remove: [] };
    }
    default:
      return { add: [], remove: [] };
  }
}
