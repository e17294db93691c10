import { formatIp, parseIp } from '../../base/index.ts';
import type { Fields } from '../config/fields.ts';
import type { FilterStream } from '../filter/filter.ts';
import { readAddressMatcher } from '../match/cidr.ts';
import { readHeaderMatcher } from '../match/headers.ts';
import { readMetadataKey } from '../match/metadata.ts';
import { percentDecode, queryValue, readQueryMatcher } from '../match/query.ts';
import type { DescriptorEntry } from './descriptor.ts';

/** An entry, `skip` to go on without one, or undefined where the whole descriptor falls away. */
export type DescriptorProducer = (stream: FilterStream) => DescriptorEntry | 'skip' | undefined;

const ACTIONS = [
  'source_cluster',
  'destination_cluster',
  'request_headers',
  'query_parameters',
  'remote_address',
  'generic_key',
  'header_value_match',
  'dynamic_metadata',
  'metadata',
  'masked_remote_address',
  'query_parameter_value_match',
  'remote_address_match',
] as const;

type Reader = (fields: Fields) => DescriptorProducer;

const READERS: Readonly<Record<(typeof ACTIONS)[number], Reader>> = {
  source_cluster: () => (stream) => ({ key: 'source_cluster', value: stream.localCluster }),
  destination_cluster: () => (stream) => {
    const { action } = stream.route ?? {};
    return action?.kind === 'forward' ? { key: 'destination_cluster', value: stream.routeCluster } : undefined;
  },
  request_headers: readRequestHeaders,
  query_parameters: readQueryParameters,
  remote_address: () => (stream) => {
    const { address: value } = stream.peers.remote;
    return parseIp(value) ? { key: 'remote_address', value } : undefined;
  },
  generic_key: readGenericKey,
  header_value_match: readHeaderValueMatch,
  dynamic_metadata: (fields) => readMetadataAction(fields, 'DYNAMIC', false),
  metadata: (fields) =>
    readMetadataAction(fields, fields.choice('source', ['DYNAMIC', 'ROUTE_ENTRY']), fields.flag('skip_if_absent')),
  masked_remote_address: readMaskedAddress,
  query_parameter_value_match: readQueryValueMatch,
  remote_address_match: readAddressMatch,
};

/** Reads an `envoy.config.route.v3.RateLimit.Action`. */
export function readAction(fields: Fields): DescriptorProducer | undefined {
  const kind = fields.oneOf('action_specifier', ACTIONS);
  return kind && fields.message(kind, (inner) => READERS[kind](inner));
}

function readRequestHeaders(fields: Fields): DescriptorProducer {
  const name = fields.required('header_name').toLowerCase();
  const key = fields.required('descriptor_key');
  const absent = fields.flag('skip_if_absent') ? 'skip' : undefined;
  return (stream) => {
    const value = name.startsWith(':') || name === 'host' ? stream.requestHeader(name) : stream.head.headers.get(name);
    return value === undefined ? absent : { key, value };
  };
}

function readQueryParameters(fields: Fields): DescriptorProducer {
  const name = fields.required('query_parameter_name');
  const key = fields.required('descriptor_key');
  const absent = fields.flag('skip_if_absent') ? 'skip' : undefined;
  return (stream) => {
    const value = queryValue(stream.head.path, name);
    return value === undefined ? absent : { key, value: percentDecode(value) };
  };
}

function readGenericKey(fields: Fields): DescriptorProducer {
  const value = fields.required('descriptor_value');
  const key = fields.text('descriptor_key') || 'generic_key';
  // Only a value that is a format can be empty.
  fields.ignore('default_value');
  return () => ({ key, value });
}

function readHeaderValueMatch(fields: Fields): DescriptorProducer {
  const value = fields.required('descriptor_value');
  fields.ignore('default_value');
  const key = fields.text('descriptor_key') || 'header_match';
  const expected = fields.boolean('expect_match') ?? true;
  const tests = fields.list('headers', readHeaderMatcher);
  return (stream) => {
    const matches = tests.every((test) => test((name) => stream.requestHeader(name)));
    return matches === expected ? { key, value } : undefined;
  };
}

function readQueryValueMatch(fields: Fields): DescriptorProducer {
  const value = fields.required('descriptor_value');
  fields.ignore('default_value');
  const key = fields.text('descriptor_key') || 'query_match';
  const expected = fields.boolean('expect_match') ?? true;
  const tests = fields.list('query_parameters', (inner) => readQueryMatcher(inner, percentDecode));
  return (stream) => {
    const matches = tests.every((test) => test(stream.head.path));
    return matches === expected ? { key, value } : undefined;
  };
}

function readMetadataAction(
  fields: Fields,
  source: 'DYNAMIC' | 'ROUTE_ENTRY',
  skipIfAbsent: boolean,
): DescriptorProducer {
  const key = fields.required('descriptor_key');
  const fallback = fields.text('default_value');
  const lookUp = fields.message('metadata_key', readMetadataKey);
  if (!lookUp) fields.problem('metadata_key', 'value is required');
  const absent = skipIfAbsent ? 'skip' : undefined;
  return (stream) => {
    const found = lookUp?.(source === 'DYNAMIC' ? stream : stream.route?.metadata);
    const value = typeof found === 'string' && found !== '' ? found : fallback;
    return value === '' ? absent : { key, value };
  };
}

function readMaskedAddress(fields: Fields): DescriptorProducer {
  const lengths = { 32: fields.number('v4_prefix_mask_len') ?? 32, 128: fields.number('v6_prefix_mask_len') ?? 128 };
  return (stream) => {
    const ip = parseIp(stream.peers.remote.address);
    if (!ip) return undefined;
    const length = lengths[ip.bits];
    const shift = BigInt(ip.bits - length);
    const masked = formatIp({ bits: ip.bits, address: (ip.address >> shift) << shift });
    return { key: 'masked_remote_address', value: `${masked}/${length}` };
  };
}

function readAddressMatch(fields: Fields): DescriptorProducer {
  const value = fields.required('descriptor_value');
  fields.ignore('default_value');
  const key = fields.text('descriptor_key') || 'remote_address_match';
  const holds = fields.message('address_matcher', readAddressMatcher) ?? (() => false);
  return (stream) => (holds(stream.peers.remote.address) ? { key, value } : undefined);
}
