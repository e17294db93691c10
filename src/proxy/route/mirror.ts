import type { Fields } from '../config/fields.ts';
import { readFraction } from '../runtime/read.ts';
import { type HeaderMutation, readHeaderOption } from './mutation.ts';

/** `RouteAction.RequestMirrorPolicy`: another cluster gets a copy of the request, whose answer nobody reads. */
export interface MirrorPolicy {
  /** Empty: the header names it. */
  readonly cluster: string;
  readonly header: string;
  readonly fraction: { readonly numerator: number; readonly denominator: number };
  readonly suffix: boolean;
  /** Empty: the request's own host. */
  readonly host: string;
  readonly mutations: readonly HeaderMutation[];
}

const ALWAYS = { numerator: 100, denominator: 100 };

export function readMirrors(fields: Fields): readonly MirrorPolicy[] {
  return fields.list('request_mirror_policies', readMirror);
}

function readMirror(fields: Fields): MirrorPolicy {
  // Spans are not recorded, so whether the copy's would be sampled has no effect.
  fields.ignore('trace_sampled');
  const cluster = fields.text('cluster');
  const header = fields.text('cluster_header').toLowerCase();
  if (cluster === '' && header === '') {
    fields.problem('', 'Exactly one of cluster or cluster_header in request mirror policy need to be specified');
  } else if (cluster !== '' && header !== '') {
    const both = `Only one of cluster '${cluster}' or cluster_header '${header}' in request mirror policy can be specified`;
    fields.problem('', both);
  }
  return {
    cluster,
    header,
    fraction: fields.message('runtime_fraction', readRuntimeFraction) ?? ALWAYS,
    suffix: !fields.flag('disable_shadow_host_suffix_append'),
    host: fields.text('host_rewrite_literal'),
    mutations: fields.list('request_headers_mutations', readMutation),
  };
}

function readRuntimeFraction(fields: Fields): MirrorPolicy['fraction'] {
  fields.ignore('runtime_key');
  const fraction = fields.message('default_value', readFraction);
  if (!fraction) fields.problem('default_value', 'value is required');
  return fraction ?? ALWAYS;
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
