import { fail, ok } from '../../base/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { MetadataSource } from '../match/metadata.ts';
import type { CommandKind } from './command.ts';

type SourceOf = (info: StreamInfo) => MetadataSource | undefined;

const ofHost: SourceOf = ({ upstreamHost }) => upstreamHost && sourceOf(upstreamHost.metadata);

const ofCluster: SourceOf = (info) => info.clusterMetadata;

function sourceOf(all: JsonObject | undefined): MetadataSource {
  return {
    metadata: (namespace, path) => {
      let value: JsonValue | undefined = all?.[namespace];
      for (const key of path) value = isObject(value) ? value[key] : undefined;
      return value;
    },
  };
}

/** `namespace:key:key`; objects print with their keys sorted. */
function valueAt(argument: string, find: SourceOf): ReturnType<CommandKind['make']> {
  const [namespace = '', ...path] = argument.split(':');
  return ok((info) => {
    const value = find(info)?.metadata(namespace, path);
    return value === null || value === undefined ? undefined : sorted(value);
  });
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] as JsonValue)]),
  );
}

const SOURCES: Readonly<Record<string, SourceOf>> = {
  DYNAMIC: (info) => info,
  ROUTE: (info) => info.route?.metadata,
  UPSTREAM_HOST: ofHost,
  CLUSTER: ofCluster,
  VIRTUAL_HOST: (info) => info.route?.virtualHost.metadata,
  LISTENER: (info) => info.peers.place?.listenerMetadata,
  LISTENER_FILTER_CHAIN: (info) => info.peers.place?.chainMetadata,
};

function anyMetadata(argument: string): ReturnType<CommandKind['make']> {
  const colon = argument.indexOf(':');
  const type = colon < 0 ? argument : argument.slice(0, colon);
  const find = SOURCES[type];
  if (find) return valueAt(argument.slice(type.length + 1), find);
  return fail(`${type} is not supported type of metadata`);
}

/** Keys whose state also has a text, and fields. */
const WITH_TEXT: ReadonlySet<string> = new Set(['envoy.network.proxy_protocol.tlv']);

/** Filter state is what filters leave for each other; here the TCP proxy and the listener filter for the PROXY protocol leave some. */
function filterState(argument: string): ReturnType<CommandKind['make']> {
  const [key = '', type = '', field = ''] = argument.split(':');
  if (key === '') return fail('Invalid filter state configuration, key cannot be empty.');
  if (type !== '' && type !== 'PLAIN' && type !== 'TYPED' && type !== 'FIELD') {
    return fail('Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.');
  }
  if ((type === 'FIELD') !== (field !== '')) {
    return fail('Invalid filter state serialize type, FIELD should be used with the field name.');
  }
  if (type === '' || type === 'TYPED') return ok((info) => info.filterState?.[key]);
  if (!WITH_TEXT.has(key)) return ok(() => undefined);
  return ok(({ filterState }) => {
    const state = filterState?.[key];
    return type === 'PLAIN' ? state && JSON.stringify(state) : isObject(state) ? state[field] : undefined;
  });
}

/** Upstream connections have none. */
function upstreamFilterState(argument: string): ReturnType<CommandKind['make']> {
  const checked = filterState(argument);
  return checked.ok ? ok(() => undefined) : checked;
}

/** Commands about metadata. Names and meaning as in Envoy's access log documentation. */
export const METADATA_COMMANDS: Readonly<Record<string, CommandKind>> = {
  DYNAMIC_METADATA: { argument: 'required', length: true, make: (argument) => valueAt(argument, (info) => info) },
  UPSTREAM_METADATA: { argument: 'required', length: false, make: (argument) => valueAt(argument, ofHost) },
  CLUSTER_METADATA: { argument: 'required', length: false, make: (argument) => valueAt(argument, ofCluster) },
  METADATA: { argument: 'optional', length: true, make: anyMetadata },
  FILTER_STATE: { argument: 'optional', length: true, make: filterState },
  UPSTREAM_FILTER_STATE: { argument: 'optional', length: true, make: upstreamFilterState },
};
