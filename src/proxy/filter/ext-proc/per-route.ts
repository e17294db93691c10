import type { Fields } from '../../config/fields.ts';
import { type GrpcService, readGrpcService, readMetadataField } from '../async/grpc-service.ts';
import { type MetadataNames, type ProcessConfig, readMetadata } from './config.ts';
import { type ProcessMode, readMode } from './mode.ts';

/** What a route says: an `envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute`. */
export interface ProcessOverride {
  readonly disabled: boolean;
  readonly mode: ProcessMode | undefined;
  readonly service: GrpcService | undefined;
  readonly initialMetadata: GrpcService['metadata'];
  readonly metadata: MetadataNames | undefined;
  readonly failureAllow: boolean | undefined;
  readonly recorded: boolean | undefined;
}

const NOTHING: ProcessOverride = {
  disabled: false,
  mode: undefined,
  service: undefined,
  initialMetadata: [],
  metadata: undefined,
  failureAllow: undefined,
  recorded: undefined,
};

export function readProcessOverride(fields: Fields): ProcessOverride {
  switch (fields.oneOf('override', ['disabled', 'overrides'])) {
    case 'disabled': {
      const disabled = fields.flag('disabled');
      if (!disabled) fields.problem('disabled', 'value must equal true');
      return { ...NOTHING, disabled };
    }
    default:
      return fields.message('overrides', readOverrides) ?? NOTHING;
  }
}

function readOverrides(fields: Fields): ProcessOverride {
  return {
    disabled: false,
    mode: fields.message('processing_mode', readMode),
    service: fields.message('grpc_service', readGrpcService),
    initialMetadata: fields.list('grpc_initial_metadata', readMetadataField),
    metadata: fields.message('metadata_options', readMetadata),
    failureAllow: fields.boolean('failure_mode_allow'),
    recorded: fields.boolean('emit_client_span'),
  };
}

/** The filter as a route has it. `levels`: the most specific first, none of which turns the filter off. */
export function overridden(config: ProcessConfig, levels: readonly ProcessOverride[]): ProcessConfig {
  if (levels.length === 0) return config;
  const first = <Key extends 'mode' | 'service' | 'failureAllow' | 'recorded'>(key: Key): ProcessOverride[Key] =>
    levels.find((level) => level[key] !== undefined)?.[key];
  const names = (key: keyof MetadataNames): readonly string[] | undefined =>
    levels.find(({ metadata }) => metadata?.[key] !== undefined)?.metadata?.[key];
  const service = first('service') ?? config.service;
  const receiving = names('receiving');
  return {
    ...config,
    mode: first('mode') ?? config.mode,
    failureAllow: first('failureAllow') ?? config.failureAllow,
    recorded: first('recorded') ?? config.recorded,
    service: { ...service, metadata: mergedMetadata(service.metadata, levels) },
    forwarding: names('forwarding') ?? config.forwarding,
    receiving: receiving ? new Set(receiving) : config.receiving,
  };
}

/** Of a name that several levels give, the most specific counts. */
function mergedMetadata(own: GrpcService['metadata'], levels: readonly ProcessOverride[]): GrpcService['metadata'] {
  return levels.reduceRight((before, { initialMetadata }) => {
    const names = new Set(initialMetadata.map(({ name }) => name));
    return [...before.filter(({ name }) => !names.has(name)), ...initialMetadata];
  }, own);
}
