import type { Issue } from '../../base/index.ts';
import { Fields, type JsonObject, typeName } from '../config/fields.ts';
import { ANY_CONNECTION, type ChainMatch, readChainMatch } from '../listener/chain-match.ts';
import { chooseChain, readChainTree } from '../listener/choose-chain.ts';
import { Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';
import type { SentRequest } from './types.ts';

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const inspectorType = 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector';

interface Chain {
  readonly name: string;
  readonly match: ChainMatch;
  readonly manager: ManagerPlace | undefined;
}

export interface ManagerPlace {
  readonly json: JsonObject;
  /** From the listener. */
  readonly path: string;
}

/** The connection manager of the filter chain that takes the request's connection, where one has it and it speaks HTTP. */
export function managerOf(
  listener: JsonObject,
  { client, destination }: Pick<SentRequest, 'client' | 'destination'>,
  issues: Issue[],
): ManagerPlace | undefined {
  const fields = new Fields(listener, '', issues);
  const chains = fields.list('filter_chains', readChain);
  const defaultChain = fields.message('default_filter_chain', readChain);
  const chainTree = readChainTree(fields, { runtime: new Runtime(), stats: new StatsStore().scope() });
  const inspects = fields.list('listener_filters', inspectorOf).some((type) => type === inspectorType);
  const remote = { address: client, port: 0 };
  const peers = { remote, directRemote: remote, local: destination };
  return chooseChain({ chains, defaultChain, chainTree }, peers, inspects ? 'http/1.1' : '')?.manager;
}

function inspectorOf(fields: Fields): string {
  ignoreAll(fields);
  const config = fields.json['typed_config'];
  return typeName((config ?? {}) as JsonObject);
}

function readChain(fields: Fields): Chain {
  ignoreAll(fields);
  const filters = fields.items('filters') as readonly JsonObject[];
  const index = filters.findIndex(({ typed_config: config }) => typeName((config ?? {}) as JsonObject) === managerType);
  const json = filters[index]?.['typed_config'] as JsonObject | undefined;
  return {
    name: fields.text('name'),
    match: fields.message('filter_chain_match', readChainMatch) ?? ANY_CONNECTION,
    manager: json && { json, path: `${fields.at('filters')}[${index}].typed_config` },
  };
}

/** Says nothing of fields that decide nothing here; the data plane has read them. */
function ignoreAll(fields: Fields): void {
  fields.ignore(...Object.keys(fields.json));
}
